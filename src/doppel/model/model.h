// A trained twin network as one file: weights, how its input is made, and where it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/image/gradients.h"
#include "doppel/image/preprocessing.h"
#include "doppel/image/views.h"
#include "doppel/loss/energy.h"
#include "doppel/model/foreign.h"
#include "doppel/model/seen_people.h"
#include "doppel/model/threshold.h"
#include "doppel/model/whitening.h"
#include "doppel/nn/network.h"

namespace doppel::internal {

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
  bool synthetic = false;  // most of them drawn by data/synthetic.h; files of before say nothing
  // Whom and what it has seen: of the training and, behind it, of choosing the threshold.
  SeenPeople seen;
};

// What stands beside the networks' embedding: the input's gradients by direction, which need no
// training, with what varies within a person taken back (model/whitening.h), which needs little.
// The fewer people there are to train on, the more it adds.
struct GradientTerm {
  GradientSettings histograms;
  double weight = 0;    // of its squared distance, where the networks' has the weight 1; 0: without
  Whitening whitening;  // of its histograms; empty where the weight is 0
};

struct Model {
  // Somebody else's network instead of ours: then network, members, views and gradients are empty
  // and of the training no more is known than whom it may have seen.
  std::optional<ForeignNetwork> foreign;

  Network network;
  // Parameters of the network; where there are several members, trained from different seeds, an
  // embedding is theirs side by side.
  std::vector<std::vector<float>> members;
  Preprocessing preprocessing;
  Views views;  // of every image, whose embeddings are averaged
  GradientTerm gradients;
  Energy energy;                       // of a pair of embeddings
  std::optional<Threshold> threshold;  // of that energy; none where nobody was held out for it
  std::string version;                 // of the program that made it
  TrainingRecord training;
};

// Values of an embedding.
size_t embedding_size(const Model& model);

// A digest of all that shapes an embedding and its energy, in hexadecimal: models of equal digest
// give equal embeddings, whatever their thresholds.
std::string embedding_digest(const Model& model);

// The file's bytes and back. Tensors carry PyTorch's names, everything else stands as JSON texts in
// the metadata. Throws Error(bad_data) that begins with `name` where the bytes are damaged, or are
// no model of ours, or tensors do not fit the network description; encode_model()
// Error(bad_argument) for somebody else's network.
std::string encode_model(const Model& model);
Model decode_model(std::string_view bytes, const std::string& name);

// Written all or nothing. Both throw as read_file(), write_file_atomically() and the above do; what
// is named .onnx is loaded as load_foreign() does.
void save_model(const Model& model, const std::filesystem::path& path);
Model load_model(const std::filesystem::path& path);

}  // namespace doppel::internal
