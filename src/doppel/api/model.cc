#include "doppel/model.h"

#include <utility>

#include "doppel/api/public_access.h"
#include "doppel/base/shared_pool.h"
#include "doppel/error.h"
#include "doppel/face/face_detector.h"
#include "doppel/loss/energy.h"

namespace doppel {
namespace internal {

LoadedModel::LoadedModel(Model loaded)
    : model(std::move(loaded)), embedder(model), digest(embedding_digest(model)) {
  if (model.preprocessing.align) face_detector();  // so that it is missing now, not at the door
}

std::string LoadedModel::file() const {
  const std::lock_guard lock(mutex_);
  return file_;
}

void LoadedModel::lies_in(const std::filesystem::path& file) const {
  std::error_code ignored;
  const std::lock_guard lock(mutex_);
  file_ = std::filesystem::absolute(file, ignored).string();
}

}  // namespace internal

Model::Model(std::shared_ptr<const internal::LoadedModel> loaded) : loaded_(std::move(loaded)) {}

Model Model::load(const std::filesystem::path& file) {
  auto loaded = std::make_shared<const internal::LoadedModel>(internal::load_model(file));
  loaded->lies_in(file);
  return Model(std::move(loaded));
}

void Model::save(const std::filesystem::path& file) const {
  internal::save_model(loaded_->model, file);
  loaded_->lies_in(file);
}

size_t Model::embedding_size() const { return loaded_->embedder.embedder().size(); }

const std::string& Model::digest() const { return loaded_->digest; }

Embedding Model::embed(const Photo& photo) const {
  return std::move(embed(std::span(&photo, 1)).front());
}

std::vector<Embedding> Model::embed(std::span<const Photo> photos) const {
  std::vector<internal::PhotoSource> sources;
  for (const Photo& photo : photos) sources.push_back(internal::PublicAccess::of(photo));
  std::vector<Embedding> embeddings;
  embeddings.reserve(photos.size());
  for (internal::EmbeddedPhoto& photo :
       loaded_->embedder.embed(sources, {.all_or_nothing = true}, *internal::shared_pool())) {
    embeddings.push_back(std::move(photo.faces.front().embedding));
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
              "photos are of one person; calibrated(), or the command doppel calibrate, gives it "
              "one");
}

}  // namespace doppel
