// A model: what it embeds with, how its input is made, what it decides by, and where it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/image/preprocessing.h"
#include "doppel/loss/energy.h"
#include "doppel/model/seen_people.h"
#include "doppel/model/stored_embedder.h"
#include "doppel/model/threshold.h"

namespace doppel::internal {

// Losses of one epoch: of the training examples as they were trained, and of the validation ones
// after it, where there are any.
struct EpochLosses {
  double loss = 0;
  std::optional<double> validation_loss;
};
nlohmann::json losses_to_json(const EpochLosses& losses);  // {"loss": 0.2, "val_loss": 0.3}
// Throws Error(bad_data) that begins with `where`.
EpochLosses losses_from_json(const nlohmann::json& json, const std::string& where);

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

struct Model {
  AnyEmbedder embedder;
  Preprocessing preprocessing;
  Energy energy;                       // of a pair of embeddings
  std::optional<Threshold> threshold;  // of that energy; none where nobody was held out for it
  std::string version;                 // of the program that made it; empty: it was made elsewhere
  TrainingRecord training;             // of one that was made elsewhere only whom it may have seen
};

// Values of an embedding.
size_t embedding_size(const Model& model);

// Why its energy or threshold cannot be meant for embeddings as its embedder gives them; nothing
// where all is well.
std::optional<std::string> decision_fault(const Model& model);

// A digest of all that shapes an embedding and its energy, in hexadecimal: models of equal digest
// give equal embeddings, whatever their thresholds.
std::string embedding_digest(const Model& model);

// A model file's bytes and back: a kind of embedder (embedder_kinds.h) and its data. Tensors carry
// PyTorch's names, everything else stands as JSON texts in the metadata. Throws Error(bad_data)
// that begins with `name` where the bytes are damaged, or are no model of ours, or tensors do not
// fit their description; encode_model() as StoredEmbedder::store() does.
std::string encode_model(const Model& model);
Model decode_model(std::string_view bytes, const std::string& name);

inline constexpr size_t kMostModelBytes = size_t{2} << 30;  // of a file

// Written all or nothing. Both throw as read_file(), write_file_atomically() and the above do; a
// kind that stays in a file of its own is loaded from that, by its name.
void save_model(const Model& model, const std::filesystem::path& path);
Model load_model(const std::filesystem::path& path);

}  // namespace doppel::internal
