// Losses over a batch of embeddings with their identities, chosen by settings that a model file can
// record. Where a loss learns parameters of its own, an optimiser trains them beside the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"

namespace doppel::internal {

struct LossResult {
  double loss = 0;
  Matrix gradient;                        // of the loss by the embeddings, as large as they
  std::vector<float> parameter_gradient;  // by the loss's own parameters
};

// Thread-safe: evaluating changes nothing. The result's bits do not depend on the pool.
class BatchLoss {
 public:
  virtual ~BatchLoss() = default;

  // How many values are learned beside the network, and where they start.
  virtual size_t parameter_count() const { return 0; }
  virtual std::vector<float> initial_parameters(uint64_t seed) const;

  // `embeddings` is n x d as the network gives them, identity[i] whom row i shows. A batch from
  // which nothing can be learned (no pair of the kind a loss needs) has a loss and gradients of 0;
  // finite embeddings give finite results. Throws Error(mismatch) where sizes do not fit.
  virtual LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                              std::span<const float> parameters, ThreadPool& pool) const = 0;
};

// The types and their settings, with defaults:
//   contrastive             margin 1
//   triplet_batch_hard      margin 0.2
//   triplet_semi_hard       margin 0.2
//   multi_similarity        alpha 2, beta 50, base 0.5, epsilon 0.1 (null: no mining)
//   supervised_contrastive  temperature 0.1
//   n_pair                  l2 0.002
//   cosine_margin           scale 16, margin 0.2; learns identities x embedding_size values
//   arc_margin              scale 16, margin 0.2; likewise
//   sum                     losses: a list of the above, each with a weight (1); its parameters are
//                           theirs, one after the other
// e.g. {"type": "cosine_margin", "scale": 16}. What they compute stands in distance_losses.h,
// similarity_losses.h and margin_softmax.h. Identities are numbers below `identities`.
// Throws Error(bad_argument) naming the type or setting that is wrong and those that are known.
std::unique_ptr<BatchLoss> make_batch_loss(const nlohmann::json& settings, size_t embedding_size,
                                           size_t identities);

// The settings with every default filled in; throws as make_batch_loss does.
nlohmann::json complete_loss_settings(const nlohmann::json& settings);

}  // namespace doppel::internal
