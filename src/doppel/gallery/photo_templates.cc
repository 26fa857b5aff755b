#include "doppel/gallery/photo_templates.h"

#include <utility>

namespace doppel::internal {

std::vector<PhotoTemplate> photo_templates(const PhotoEmbedder& embedder,
                                           std::span<const PhotoSource> photos, FaceChoice choice,
                                           bool keep_photos, ThreadPool& pool,
                                           const std::function<void(size_t done)>& progress) {
  const PhotoEmbedder::Options options{.choice = choice, .digests = true, .bytes = keep_photos};
  std::vector<EmbeddedPhoto> embedded = embedder.embed(photos, options, pool, progress);
  std::vector<PhotoTemplate> templates(photos.size());
  for (size_t i = 0; i < photos.size(); ++i) {
    EmbeddedPhoto& photo = embedded[i];
    if (photo.problem) {
      templates[i].problem = std::move(photo.problem);
      continue;
    }
    templates[i].synthetic = photo.synthetic;
    EmbeddedFace& face = photo.faces.front();
    templates[i].made = NewTemplate{.origin = photos[i].name,
                                    .embedding = std::move(face.embedding),
                                    .image_digest = std::move(photo.image_digest),
                                    .quality = face.quality,
                                    .photo = std::move(photo.bytes),
                                    .looks = face.face.looks};
  }
  return templates;
}

}  // namespace doppel::internal
