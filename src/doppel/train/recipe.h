// A recipe: every setting that shapes a training, in one place. The tutorial's is the first.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "doppel/nn/network.h"
#include "doppel/optim/rmsprop.h"

namespace doppel {

struct Recipe {
  std::string name = "tutorial";
  int step = 2;                   // of Preprocessing: every second row and column
  size_t pairs_per_kind = 10000;  // genuine, and as many impostor
  double margin = 1;              // of the contrastive loss
  RmsProp::Settings optimizer;
  size_t batch = 128;  // pairs
  size_t epochs = 13;

  // Throws Error(bad_argument) naming the setting that makes no sense.
  void check() const;
};

// Throws Error(bad_argument) with the names that are known.
Recipe recipe_named(const std::string& name);

nlohmann::json recipe_to_json(const Recipe& recipe);

// The tutorial's branch: two blocks of conv 3x3, ReLU, max-pool 2, dropout 0.25 (6 and 12 filters),
// dense 128 with ReLU and dropout 0.1, dense 50 with ReLU. For 1x56x46 its flat layer has 1440
// values. Throws Error(bad_argument) where the input is too small for it.
Network tutorial_network(const Shape& input);

}  // namespace doppel
