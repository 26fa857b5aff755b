// RMSprop: each parameter's step is divided by a running root mean square of its gradient.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "doppel/base/thread_pool.h"

namespace doppel {

// Tieleman and Hinton, lecture 6.5, 2012, in Keras' form (epsilon outside the root):
//   v = rho v + (1 - rho) g^2,   w = w - rate g / (sqrt(v) + epsilon).
class RmsProp {
 public:
  struct Settings {
    double rate = 0.001;
    double rho = 0.9;
    double epsilon = 1e-7;
  };

  // For `size` parameters, v = 0. Throws Error(bad_argument) naming a setting that makes no sense.
  RmsProp(size_t size, const Settings& settings);

  // One step; parameters and gradient hold `size` values. True where every new parameter is
  // finite. Throws Error(mismatch) where the sizes differ.
  bool step(std::span<float> parameters, std::span<const float> gradient, ThreadPool& pool);

  // v, to be saved and restored with a checkpoint.
  std::span<float> mean_squares() { return mean_squares_; }

 private:
  Settings settings_;
  std::vector<float> mean_squares_;
};

}  // namespace doppel
