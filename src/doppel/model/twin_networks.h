// The kind of embedder that is trained here: twin networks, whose embeddings of several views are
// averaged, and histograms of gradients beside them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppel/image/hog.h"
#include "doppel/image/views.h"
#include "doppel/model/model_file.h"
#include "doppel/model/stored_embedder.h"
#include "doppel/model/whitening.h"
#include "doppel/nn/network.h"

namespace doppel::internal {

struct Model;

// What stands beside the networks' embedding: the input's gradients by direction, which need no
// training, with what varies within a person taken back (model/whitening.h), which needs little.
// The fewer people there are to train on, the more it adds.
struct HogTerm {
  HogSettings histograms;
  double weight = 0;    // of its squared distance, where the networks' has the weight 1; 0: without
  Whitening whitening;  // of its histograms; empty where the weight is 0
};

// A member's embedding is the mean over the views, of length 1 again where the network's last layer
// is an L2Normalize; m members' are side by side, then divided by the root of m. The HOG term
// stands behind them, and the whole is brought to length 1 where its parts have it.
struct TwinNetworks final : StoredEmbedder {
  Network network;
  // Parameters of the network; where there are several members, trained from different seeds, an
  // embedding is theirs side by side.
  std::vector<std::vector<float>> members;
  Views views;  // of every image, whose embeddings are averaged
  HogTerm hog;

  std::unique_ptr<StoredEmbedder> clone() const override;
  size_t size() const override;
  EmbeddingLength length() const override;
  bool takes_color() const override { return false; }
  size_t networks() const override { return members.size(); }
  std::unique_ptr<const ReadyEmbedder> ready(const Preprocessing& input) const override;
  void store(TensorFile& file) const override;
  bool stays_in_its_file() const override { return false; }
  std::string summary() const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;
  nlohmann::json to_json() const override;
};

// Those that a model embeds with. Throw Error(bad_argument) where it embeds with something else.
const TwinNetworks& twins(const Model& model);
TwinNetworks& twins(Model& model);

// Back from what store() put into a file. Throws Error(bad_data) naming the part that is wrong,
// also where the network does not take what `input` gives.
AnyEmbedder read_twin_networks(const ModelMetadata& metadata, ModelTensors& tensors,
                               const Preprocessing& input);

// The histograms as they are before whitening: the mean over the views, of length 1; what
// the whitening is fitted on. inputs x Hog::size().
Matrix hog_rows(const TwinNetworks& networks, const Matrix& inputs, ThreadPool& pool);

}  // namespace doppel::internal
