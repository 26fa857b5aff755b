// A model that recognises people: from a photo to its embedding, and how near two of these are.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/photo.h"

namespace doppel {

namespace internal {
struct PublicAccess;
struct LoadedModel;
}  // namespace internal

// Of one face; as many values as Model::embedding_size().
using Embedding = std::vector<float>;

// What a model is worth on people whom it was not trained on, at the distance below which it takes
// two photos for one person. It holds for photos like those that it was measured on.
struct Calibration {
  double threshold = 0;  // that distance
  double far = 0;  // false accept rate, 0 to 1: of pairs of different people, how many are nearer
  double far_lower = 0, far_upper = 0;  // its 95 % interval
  double tar = 0;     // true accept rate, 0 to 1: of pairs of one person, how many are nearer
  size_t people = 0;  // that it was measured on
};

// Immutable and cheap to copy. Several threads may use one at the same time.
class Model {
 public:
  // Also instead of a move, so that none is ever empty.
  Model(const Model&) = default;
  Model& operator=(const Model&) = default;

  // A model file of `doppel train` (.safetensors), or an ONNX network with its description beside
  // it (x.onnx, x.onnx.json). Throws Error(io), Error(bad_data) naming the file and what is wrong
  // with it, Error(unavailable) where it takes a library that is not installed.
  static Model load(const std::filesystem::path& file);

  // As such a file, all or nothing. Galleries that are made with this model from then on name the
  // file, so that they find it again. Throws Error(io) where it cannot be written,
  // Error(bad_argument) for an ONNX network, which stays the file that it is.
  void save(const std::filesystem::path& file) const;

  size_t embedding_size() const;

  // SHA-256, in hexadecimal, of all that shapes an embedding: models of one digest give equal
  // embeddings.
  const std::string& digest() const;

  // The embedding of the one face on the photo, the same bits whatever else is embedded with it. A
  // model that was trained on pictures as they are takes the whole photo for a face, unless it
  // shows nothing: one grey, a gradient or noise. Throws Error(bad_data) where the photo cannot be
  // decoded, Error(no_face) where it shows no face, Error(several_faces) where it shows several,
  // Error(numeric) where the embedding is not finite; of a model that finds faces also Error(io) or
  // Error(bad_data) naming the file of dlib's landmarks, which the first photo reads.
  Embedding embed(const Photo& photo) const;

  // One for each photo, in their order, on the library's threads (threads.h). Throws as embed()
  // does for the first photo that has something wrong with it.
  std::vector<Embedding> embed(std::span<const Photo> photos) const;

  // Whether it was trained on faces that Doppel drew. Such a model mistakes people for one another.
  bool synthetic() const;

  // How far two embeddings are apart: 0 and more, small where they are of one person; what kind of
  // distance it is is the model's. Throws Error(mismatch) where one has not embedding_size()
  // values.
  double distance(std::span<const float> a, std::span<const float> b) const;

  // None where nobody was kept from the training to measure it on; calibrated() does that
  // afterwards.
  std::optional<Calibration> calibration() const;

  // Whether their distance is below the calibrated threshold. Throws Error(uncalibrated) where
  // there is none: then nothing says how far apart two photos of one person may be.
  bool same_person(std::span<const float> a, std::span<const float> b) const;

 private:
  friend struct internal::PublicAccess;
  explicit Model(std::shared_ptr<const internal::LoadedModel> loaded);
  std::shared_ptr<const internal::LoadedModel> loaded_;
};

}  // namespace doppel
