#include "doppel/model.h"

#include <algorithm>
#include <utility>

#include "doppel/api/photo_source.h"
#include "doppel/error.h"
#include "doppel/face/face_detector.h"
#include "doppel/image/resize.h"
#include "doppel/loss/energy.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"

namespace doppel {
namespace internal {

struct LoadedModel {
  explicit LoadedModel(Model loaded)
      : model(std::move(loaded)), faces(model), embedder(model), digest(embedding_digest(model)) {
    if (model.preprocessing.align) face_detector();  // so that it is missing now, not at the door
  }

  const Model model;
  const PhotoFaces faces;
  const Embedder embedder;
  const std::string digest;
};

}  // namespace internal

namespace {

// Photos are decoded and embedded in parts, so that many of them need not fit into memory at once.
constexpr size_t kPhotosOfPart = 256;

}  // namespace

Model::Model(std::shared_ptr<const internal::LoadedModel> loaded) : loaded_(std::move(loaded)) {}

Model Model::load(const std::filesystem::path& file) {
  return Model(std::make_shared<internal::LoadedModel>(internal::load_model(file)));
}

size_t Model::embedding_size() const { return loaded_->embedder.size(); }

const std::string& Model::digest() const { return loaded_->digest; }

Embedding Model::embed(const Photo& photo) const {
  return std::move(embed(std::span(&photo, 1)).front());
}

std::vector<Embedding> Model::embed(std::span<const Photo> photos) const {
  const size_t processors = static_cast<size_t>(internal::ThreadPool::available_threads());
  internal::ThreadPool pool(static_cast<int>(std::clamp<size_t>(photos.size(), 1, processors)));
  std::vector<Embedding> embeddings;
  embeddings.reserve(photos.size());
  for (size_t first = 0; first < photos.size(); first += kPhotosOfPart) {
    const std::span<const Photo> part =
        photos.subspan(first, std::min(kPhotosOfPart, photos.size() - first));
    std::vector<internal::Image> faces(part.size());
    std::vector<std::optional<Error>> problems(part.size());
    pool.parallel_for(part.size(), [&](size_t i, size_t) {
      const internal::PhotoSource& source = *part[i].source_;
      try {
        const internal::Image photo = source.decoded(loaded_->faces.decoding());
        // At once, which changes no bit of its embedding: many large photos would fill the memory.
        faces[i] = internal::resize(
            loaded_->faces.of(photo, internal::FaceChoice::one, source.name).front().image,
            loaded_->model.preprocessing.width, loaded_->model.preprocessing.height);
      } catch (const Error& error) {
        problems[i] = error;
      }
    });
    for (const std::optional<Error>& problem : problems) {
      if (problem) throw Error(*problem);
    }
    const internal::EachEmbedding embedded = loaded_->embedder.embed_each(faces, pool);
    for (size_t i = 0; i < part.size(); ++i) {
      if (const std::optional<std::string>& fault = embedded.faults[i]) {
        throw Error(ErrorKind::numeric, part[i].name() + ": its embedding " + *fault);
      }
      const std::span<const float> row = embedded.rows.row(i);
      embeddings.emplace_back(row.begin(), row.end());
    }
  }
  return embeddings;
}

bool Model::synthetic() const { return loaded_->model.training.synthetic; }

double Model::distance(std::span<const float> a, std::span<const float> b) const {
  for (const size_t size : {a.size(), b.size()}) {
    if (size == embedding_size()) continue;
    throw Error(ErrorKind::mismatch, "an embedding of " + std::to_string(embedding_size()) +
                                         " values was expected, not of " + std::to_string(size));
  }
  return internal::energy_of(loaded_->model.energy, a, b);
}

std::optional<Calibration> Model::calibration() const {
  const std::optional<internal::Threshold>& threshold = loaded_->model.threshold;
  if (!threshold) return {};
  return Calibration{.threshold = threshold->value,
                     .far = threshold->far,
                     .far_lower = threshold->lower,
                     .far_upper = threshold->upper,
                     .tar = threshold->tar,
                     .people = threshold->identities};
}

bool Model::same_person(std::span<const float> a, std::span<const float> b) const {
  const double found = distance(a, b);
  if (const auto known = calibration()) return found < known->threshold;
  throw Error(ErrorKind::uncalibrated,
              "the model has no calibrated threshold, so nothing says below which distance two "
              "photos are of one person; doppel calibrate gives it one");
}

}  // namespace doppel
