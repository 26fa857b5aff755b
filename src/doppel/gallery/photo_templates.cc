#include "doppel/gallery/photo_templates.h"

#include <algorithm>

#include "doppel/base/file.h"
#include "doppel/data/dataset.h"
#include "doppel/image/decode.h"
#include "doppel/image/quality.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

// Photos are decoded and embedded in parts, so that a large folder does not have to fit into
// memory.
constexpr size_t kPhotosOfPart = 256;

}  // namespace

struct PhotoTemplates::Loaded {
  Image face;
  NewTemplate made;  // without its embedding
};

PhotoTemplates::PhotoTemplates(const Model& model, ThreadPool& pool)
    : input_(model.preprocessing), pool_(pool), faces_(model), embedder_(model) {}

PhotoTemplates::Loaded PhotoTemplates::load(std::string_view bytes, FaceChoice choice,
                                            const std::string& name) const {
  Loaded loaded;
  const Image photo = decode_image(bytes, name, faces_.decoding());
  loaded.made.origin = name;
  loaded.made.image_digest = image_digest(photo);
  const PhotoFace face = std::move(faces_.of(photo, choice, name).front());
  // At once, which changes no bit of its embedding: many large photos would fill the memory.
  loaded.face = resize(face.image, input_.width, input_.height);
  loaded.made.quality = image_quality(loaded.face);
  loaded.made.looks = face.looks;
  return loaded;
}

std::vector<PhotoTemplate> PhotoTemplates::of_files(
    std::span<const std::string> files, FaceChoice choice, bool keep_photos,
    const std::function<void(size_t done)>& progress) const {
  std::vector<PhotoTemplate> templates(files.size());
  for (size_t first = 0; first < files.size(); first += kPhotosOfPart) {
    const size_t n = std::min(kPhotosOfPart, files.size() - first);
    std::vector<Image> faces(n);
    pool_.parallel_for(n, [&](size_t i, size_t) {
      PhotoTemplate& result = templates[first + i];
      try {
        std::string bytes = read_file(files[first + i], kMostImageBytes);
        Loaded loaded = load(bytes, choice, files[first + i]);
        faces[i] = std::move(loaded.face);
        result.made = std::move(loaded.made);
        if (keep_photos) result.made->photo = std::move(bytes);
      } catch (const Error& error) {
        result.problem = error;
      }
    });
    std::vector<size_t> good;
    std::vector<Image> images;
    for (size_t i = 0; i < n; ++i) {
      if (!templates[first + i].made) continue;
      good.push_back(first + i);
      images.push_back(std::move(faces[i]));
    }
    const EachEmbedding embeddings = embedder_.embed_each(images, pool_);
    for (size_t i = 0; i < good.size(); ++i) {
      PhotoTemplate& result = templates[good[i]];
      if (const std::optional<std::string>& fault = embeddings.faults[i]) {
        result = {std::nullopt,
                  Error(ErrorKind::bad_data, files[good[i]] + ": its embedding " + *fault)};
        continue;
      }
      const std::span<const float> row = embeddings.rows.row(i);
      result.made->embedding.assign(row.begin(), row.end());
    }
    progress(first + n);
  }
  return templates;
}

NewTemplate PhotoTemplates::of_bytes(std::string_view bytes, FaceChoice choice,
                                     const std::string& name) const {
  Loaded loaded = load(bytes, choice, name);
  EachEmbedding embedding = embedder_.embed_each(std::span(&loaded.face, 1), pool_);
  if (embedding.faults[0]) {
    throw Error(ErrorKind::bad_data, name + ": its embedding " + *embedding.faults[0]);
  }
  loaded.made.embedding = std::move(embedding.rows.values);
  loaded.made.photo = bytes;
  return std::move(loaded.made);
}

}  // namespace doppel::internal
