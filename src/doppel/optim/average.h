// A moving average of the parameters over the steps of a training: it often recognises better than
// the parameters of the last step.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace doppel::internal {

// Polyak averaging with exponential weights, the start corrected as in Adam (Kingma and Ba, 2015):
// after t updates parameters of k updates ago have the weight d^k (1 - d) / (1 - d^t). The first
// average is the parameters themselves.
class WeightAverage {
 public:
  // For `size` parameters. Throws Error(bad_argument) for a decay d outside [0, 1).
  WeightAverage(size_t size, double decay);

  // Takes the parameters of one more step. Throws Error(mismatch) where they are not `size`.
  void update(std::span<const float> parameters);

  // The average; 0 before the first update. With updates() it is all a checkpoint needs.
  std::span<const float> values() const { return values_; }
  size_t updates() const { return updates_; }
  // Puts them back. Throws Error(mismatch) where there are not `size` values.
  void restore(std::span<const float> values, size_t updates);

 private:
  void check_size(size_t size) const;

  double decay_;
  std::vector<float> values_;
  size_t updates_ = 0;
};

}  // namespace doppel::internal
