// A trained twin network as one file: weights, how its input is made, and where it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/image/preprocessing.h"
#include "doppel/image/views.h"
#include "doppel/loss/energy.h"
#include "doppel/model/seen_people.h"
#include "doppel/model/threshold.h"
#include "doppel/nn/network.h"

namespace doppel {

// Losses of one epoch: of the training examples as they were trained, and of the validation ones
// after it, where there are any.
struct EpochLosses {
  double loss = 0;
  std::optional<double> validation_loss;
};
nlohmann::json losses_to_json(const EpochLosses& losses);  // {"loss": 0.2, "val_loss": 0.3}
std::optional<EpochLosses> losses_from_json(const nlohmann::json& json);  // nothing where malformed

// How the model came about. No times and no paths: equal runs give equal files.
struct TrainingRecord {
  nlohmann::json recipe;  // every setting that shaped the weights
  uint64_t seed = 0;
  std::vector<EpochLosses> history;  // of all members, one after the other
  std::string data_digest;           // Dataset::digest
  size_t identities = 0;
  size_t images = 0;
  // Whom and what it has seen: of the training and, behind it, of choosing the threshold.
  SeenPeople seen;
};

// The picture itself, as an embedding: the input reduced by averaging blocks of `reduce` x `reduce`
// pixels, then brought to length 1. What a network that saw few people learned to overlook, hair or
// the shape of a head, still counts in it.
struct PictureTerm {
  size_t reduce = 4;
  double weight = 0;  // of its squared distance, where the networks' has the weight 1; 0: without
};

struct Model {
  Network network;
  // Parameters of the network; where there are several members, trained from different seeds, an
  // embedding is theirs side by side.
  std::vector<std::vector<float>> members;
  Preprocessing preprocessing;
  Views views;  // of every image, whose embeddings are averaged
  PictureTerm picture;
  Energy energy;                       // of a pair of embeddings
  std::optional<Threshold> threshold;  // of that energy; none where nobody was held out for it
  std::string version;                 // of the program that made it
  TrainingRecord training;
};

// Values of an embedding.
size_t embedding_size(const Model& model);

// The file's bytes and back. Tensors carry PyTorch's names, everything else stands as JSON texts in
// the metadata. Throws Error(bad_data) that begins with `name` where the bytes are damaged, or are
// no model of ours, or tensors do not fit the network description.
std::string encode_model(const Model& model);
Model decode_model(std::string_view bytes, const std::string& name);

// Written all or nothing. Both throw as read_file(), write_file_atomically() and the above do.
void save_model(const Model& model, const std::filesystem::path& path);
Model load_model(const std::filesystem::path& path);

// The embedding of each image, preprocessed as in training: images x embedding_size(model). A
// member's embedding is the mean over the views, of length 1 again where the network's last layer
// is an L2Normalize; m members' are side by side, then divided by the root of m. A picture term
// stands behind them, and the whole is brought to length 1 where its parts have it.
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);
// The same of inputs that are preprocessed.
Matrix embed_inputs(const Model& model, const Matrix& inputs, ThreadPool& pool);

}  // namespace doppel
