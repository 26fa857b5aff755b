// The kind of embedder that somebody else made: an ONNX file and beside it a small JSON file that
// says what it takes, which our program reads as it does a model of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/image/preprocessing.h"
#include "doppel/model/stored_embedder.h"
#include "doppel/onnx/backend.h"

namespace doppel::internal {

struct Model;

enum class Channels { grey, rgb, bgr };

std::string to_string(Channels channels);  // "grey", "rgb", "bgr"

// Its embeddings are what the network gives, on threads of its own.
struct OnnxEmbedder final : StoredEmbedder {
  Channels channels = Channels::grey;
  // What the network takes of a sample v in 0 .. 255 is (v - mean) * scale; a mean per channel, in
  // the channels' order.
  std::vector<double> mean;
  double scale = 1;
  std::string output;       // which of its outputs; empty: the only one
  std::string file_digest;  // SHA-256 of the ONNX file
  std::shared_ptr<const OnnxNetwork> network;

  size_t channel_count() const { return channels == Channels::grey ? 1 : 3; }

  std::unique_ptr<StoredEmbedder> clone() const override;
  size_t size() const override;
  EmbeddingLength length() const override { return EmbeddingLength::any; }  // it may do anything
  bool takes_color() const override { return channels != Channels::grey; }
  size_t networks() const override { return 1; }
  std::unique_ptr<const ReadyEmbedder> ready(const Preprocessing& input) const override;
  void store(TensorFile& file) const override;
  bool stays_in_its_file() const override { return true; }
  std::string digest(const Model& model) const override;
  std::string summary() const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;
  nlohmann::json to_json() const override;
};

// Inputs as the network wants them, one in each row: resized, thinned and standardised as
// `preprocessing` says, its channels one after the other. Throws Error(mismatch) for an image
// without colours where the network takes them, and as resize() does.
Matrix onnx_inputs(const OnnxEmbedder& embedder, const Preprocessing& preprocessing,
                   std::span<const Image> images, ThreadPool& pool);

// The description, all of it:
//   {"format": "doppel embedder 1", "width": 112, "height": 112, "channels": "grey|rgb|bgr",
//    "mean": [127.5, 127.5, 127.5], "scale": 0.0078125, "energy": "cosine", "align": true,
//    "threshold": {..}}
// where "align", "step" and "standardize" are Preprocessing's. May be left out: "threshold",
// "step", "standardize", "output" (OnnxEmbedder), "seen" (whom it was made from or calibrated
// on, as in model files) and "synthetic" (whether these were synthetic faces). An energy with
// weights is {"kind", "weights", "bias"}. Of a model of ours it describes the network that
// onnx_export.h makes of it.
nlohmann::json describe_embedder(const Model& model);
// Back, without the network. Throws Error(bad_data) that begins with `where` and names the field
// that is missing, wrong or unknown.
Model embedder_from_json(const nlohmann::json& json, const std::string& where);

// Where the description of an ONNX file is: x.onnx.json beside x.onnx.
std::filesystem::path description_of(const std::filesystem::path& onnx);

// The file and its description. Throws as read_file(), embedder_from_json() and
// OnnxBackend::open() do.
Model load_onnx_model(const std::filesystem::path& onnx);

}  // namespace doppel::internal
