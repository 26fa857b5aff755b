// Photos in, what a gallery stores of them out: decoded, their face found where the model wants
// that, embedded on all threads.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/face/choose.h"
#include "doppel/gallery/gallery.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"

namespace doppel::internal {

// A photo's template, or why there is none.
struct PhotoTemplate {
  std::optional<NewTemplate> made;
  std::optional<Error> problem;  // names the photo
};

class PhotoTemplates {
 public:
  // `pool` outlives this. Throws as PhotoFaces does.
  PhotoTemplates(const Model& model, ThreadPool& pool);

  // One for each of `files`, in their order, of the one face chosen. The photo's bytes are in it
  // where `keep_photos` is set. `progress` is told after every part; what it throws ends the work.
  std::vector<PhotoTemplate> of_files(std::span<const std::string> files, FaceChoice choice,
                                      bool keep_photos,
                                      const std::function<void(size_t done)>& progress) const;

  // The same of one photo's bytes; `name` stands in front of every error, which is thrown.
  NewTemplate of_bytes(std::string_view bytes, FaceChoice choice, const std::string& name) const;

 private:
  struct Loaded;
  Loaded load(std::string_view bytes, FaceChoice choice, const std::string& name) const;

  const Preprocessing input_;
  ThreadPool& pool_;
  PhotoFaces faces_;
  Embedder embedder_;
};

}  // namespace doppel::internal
