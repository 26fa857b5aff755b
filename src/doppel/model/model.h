// A trained twin network as one file: weights, how its input is made, and where it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/image/preprocessing.h"
#include "doppel/nn/network.h"

namespace doppel {

// Losses of one epoch: on the training pairs as they were trained, on the validation pairs after.
struct EpochLosses {
  double loss = 0;
  double validation_loss = 0;
};

// How the model came about. No times and no paths: equal runs give equal files.
struct TrainingRecord {
  nlohmann::json recipe;  // every setting that shaped the weights
  uint64_t seed = 0;
  std::vector<EpochLosses> history;
  std::string data_digest;  // Dataset::digest
  size_t identities = 0;
  size_t images = 0;
};

struct Model {
  Network network;
  std::vector<float> parameters;
  Preprocessing preprocessing;
  std::string energy = "euclidean";
  std::string version;  // of the program that made it
  TrainingRecord training;
};

// The file's bytes and back. Tensors carry PyTorch's names, everything else stands as JSON texts in
// the metadata. Throws Error(bad_data) that begins with `name` where the bytes are damaged, or are
// no model of ours, or tensors do not fit the network description.
std::string encode_model(const Model& model);
Model decode_model(std::string_view bytes, const std::string& name);

// Written all or nothing. Both throw as read_file(), write_file_atomically() and the above do.
void save_model(const Model& model, const std::filesystem::path& path);
Model load_model(const std::filesystem::path& path);

// The embedding of each image, preprocessed as in training: images x embedding_size.
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);

}  // namespace doppel
