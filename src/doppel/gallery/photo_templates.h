// Photos in, what a gallery stores of them out.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/face/choose.h"
#include "doppel/gallery/gallery.h"
#include "doppel/image/photo_source.h"
#include "doppel/model/photo_embedder.h"

namespace doppel::internal {

// A photo's template, or why there is none.
struct PhotoTemplate {
  std::optional<NewTemplate> made;
  bool synthetic = false;        // EmbeddedPhoto::synthetic
  std::optional<Error> problem;  // names the photo
};

// One for each photo, in their order, of the one face chosen (`choice` is not all). The photo's
// bytes are in it where `keep_photos` is set. Progress is PhotoEmbedder::embed()'s.
std::vector<PhotoTemplate> photo_templates(const PhotoEmbedder& embedder,
                                           std::span<const PhotoSource> photos, FaceChoice choice,
                                           bool keep_photos, ThreadPool& pool,
                                           const std::function<void(size_t done)>& progress = {});

}  // namespace doppel::internal
