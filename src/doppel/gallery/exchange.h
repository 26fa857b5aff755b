// A gallery as a text to keep or to carry elsewhere, and back: JSON Lines, one for what the gallery
// is bound to, one for each person. Embeddings and photos stand in base64.
//
// {"format": "doppel gallery export 1", "settings": {..}, "people": 2}
// {"name": "Ada", "templates": [{"embedding": "..", "image": "..", "quality": 0.8, "photo": ".."}]}
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "doppel/gallery/gallery.h"

namespace doppel::internal {

// Gives one line after the other, without line breaks, to `write`, from one state of the gallery;
// people in natural order. Photos where `photos` is set and the gallery keeps them.
void export_people(Gallery& gallery, bool photos,
                   const std::function<void(const std::string& line)>& write);

// The same of one person. Throws Error(bad_argument) where there is nobody of that name.
void export_person(Gallery& gallery, const std::string& name, bool photos,
                   const std::function<void(const std::string& line)>& write);

inline constexpr size_t kMostExportLine = size_t{256} << 20;
inline constexpr size_t kMostExportBytes = size_t{4} << 30;

struct ImportedGallery {
  GallerySettings settings;
  std::vector<NewPerson> people;  // origins are "file, line 2, template 1"
};
// Reads what export_people() wrote; `name` stands in front of every error. Throws Error(bad_data)
// for a line that is damaged, too long, or holds impossible values, where people are missing or
// come twice; Error(mismatch) for a newer format.
ImportedGallery read_export(std::istream& stream, const std::string& name);

}  // namespace doppel::internal
