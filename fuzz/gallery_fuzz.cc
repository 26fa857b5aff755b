// Any bytes into read_export(): people whose templates are what a gallery may hold, or a
// doppel::Error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "doppel/base/digest.h"
#include "doppel/error.h"
#include "doppel/gallery/exchange.h"
#include "doppel/gallery/person_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream stream(std::string(reinterpret_cast<const char*>(data), size));
  doppel::internal::ImportedGallery imported;
  try {
    imported = doppel::internal::read_export(stream, "fuzz");
  } catch (const doppel::Error&) {
    return 0;  // what is no export is refused in words
  }
  const doppel::internal::GallerySettings& settings = imported.settings;
  doppel::internal::gallery_settings_from_json(doppel::internal::to_json(settings), "again");
  for (const doppel::internal::NewPerson& person : imported.people) {
    doppel::internal::check_person_name(person.name, "accepted");
    for (const doppel::internal::NewTemplate& photo : person.templates) {
      if (photo.embedding.size() != settings.embedding_size) std::abort();
      if (!doppel::internal::is_digest_hex(photo.image_digest)) std::abort();
      for (const float value : photo.embedding) {
        if (!std::isfinite(value)) std::abort();
      }
    }
  }
  return 0;
}
