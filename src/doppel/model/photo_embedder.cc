#include "doppel/model/photo_embedder.h"

#include <algorithm>
#include <utility>

#include "doppel/data/synthetic.h"
#include "doppel/image/image_digest.h"
#include "doppel/image/quality.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

constexpr size_t kPhotosOfPart = 256;

void throw_problems(std::span<const EmbeddedPhoto> photos, const PhotoEmbedder::Options& options) {
  if (!options.all_or_nothing) return;
  for (const EmbeddedPhoto& photo : photos) {
    if (photo.problem) throw Error(*photo.problem);
  }
}

}  // namespace

PhotoEmbedder::PhotoEmbedder(const Model& model)
    : input_(model.preprocessing), faces_(model), embedder_(model) {}

std::vector<EmbeddedPhoto> PhotoEmbedder::embed(
    std::span<const PhotoSource> photos, const Options& options, ThreadPool& pool,
    const std::function<void(size_t done)>& progress) const {
  std::vector<EmbeddedPhoto> results(photos.size());
  for (size_t first = 0; first < photos.size(); first += kPhotosOfPart) {
    const size_t n = std::min(kPhotosOfPart, photos.size() - first);
    const std::span<EmbeddedPhoto> part = std::span(results).subspan(first, n);
    pool.parallel_for(n, [&](size_t i, size_t) {
      const PhotoSource& source = photos[first + i];
      EmbeddedPhoto& result = part[i];
      try {
        const Image photo = decoded(source, options, result);
        if (options.digests) result.image_digest = image_digest(photo);
        for (PhotoFace& face : faces_.of(photo, options.choice, source.name)) {
          // At once, which changes no bit of its embedding: large photos would fill the memory.
          face.image = resize(face.image, input_.width, input_.height);
          const double quality = image_quality(face.image);
          result.faces.push_back({std::move(face), quality, {}});
        }
      } catch (const Error& error) {
        result = {};
        result.problem = error;
      }
    });
    throw_problems(part, options);
    std::vector<Image> images;
    for (EmbeddedPhoto& photo : part) {
      for (EmbeddedFace& face : photo.faces) images.push_back(std::move(face.face.image));
    }
    const EachEmbedding embeddings = embedder_.embed_each(images, pool);
    size_t row = 0;
    for (size_t i = 0; i < n; ++i) {
      std::optional<Error> problem;
      for (EmbeddedFace& face : part[i].faces) {
        face.face.image = {};
        if (const std::optional<std::string>& fault = embeddings.faults[row]) {
          problem = Error(ErrorKind::numeric, photos[first + i].name + ": its embedding " + *fault);
        }
        const std::span<const float> values = embeddings.rows.row(row++);
        face.embedding.assign(values.begin(), values.end());
      }
      if (!problem) continue;
      part[i] = {};
      part[i].problem = std::move(problem);
    }
    throw_problems(part, options);
    if (progress) progress(first + n);
  }
  return results;
}

EmbeddedPhoto PhotoEmbedder::embed_one(const PhotoSource& photo, FaceChoice choice,
                                       ThreadPool& pool) const {
  return std::move(
      embed(std::span(&photo, 1), {.choice = choice, .all_or_nothing = true}, pool).front());
}

Image PhotoEmbedder::decoded(const PhotoSource& source, const Options& options,
                             EmbeddedPhoto& result) const {
  const Image* pixels = source.pixels();
  if (pixels != nullptr && !options.bytes) return *pixels;
  std::string bytes = source.file_bytes();
  Image photo = decode_image(bytes, source.name, faces_.decoding());
  result.synthetic = pixels == nullptr && is_synthetic_file(bytes);
  if (options.bytes) result.bytes = std::move(bytes);
  return photo;
}

}  // namespace doppel::internal
