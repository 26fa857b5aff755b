// What a training minimises, over pairs or over batches of images: one face for both, as a recipe's
// [loss] names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "doppel/loss/batch_loss.h"

namespace doppel::internal {

// For batches of images all that make_batch_loss() knows; labels are identities. For pairs
//   contrastive_pairs  margin 1   (contrastive.h)
//   logistic_pairs                (logistic.h); learns embedding_size weights and a bias
// where a batch's embeddings are the pairs' first images, then their second ones, and labels say,
// in their first half, which pairs are genuine.
// Throws Error(bad_argument) naming what is wrong in `settings` and what is known.
std::unique_ptr<BatchLoss> make_objective(const nlohmann::json& settings, bool pairs,
                                          size_t embedding_size, size_t identities);

// The settings with every default filled in; throws as make_objective() does.
nlohmann::json complete_objective(const nlohmann::json& settings, bool pairs);

}  // namespace doppel::internal
