#include "doppel/optim/average.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "doppel/base/elementary.h"
#include "doppel/error.h"

namespace doppel::internal {

WeightAverage::WeightAverage(size_t size, double decay) : decay_(decay), values_(size, 0.0f) {
  if (!(decay >= 0 && decay < 1)) {
    throw Error(
        ErrorKind::bad_argument,
        "average of the parameters: the decay lies in [0, 1), not " + std::to_string(decay));
  }
}

void WeightAverage::check_size(size_t size) const {
  if (size != values_.size()) {
    throw Error(ErrorKind::mismatch, "average of the parameters: made for " +
                                         std::to_string(values_.size()) + " of them, given " +
                                         std::to_string(size));
  }
}

// a = a + (w - a) (1 - d) / (1 - d^t): the corrected average without a second array.
void WeightAverage::update(std::span<const float> parameters) {
  check_size(parameters.size());
  ++updates_;
  const float take = static_cast<float>(
      (1 - decay_) / (1 - elementary::pow(decay_, static_cast<double>(updates_))));
  for (size_t i = 0; i < values_.size(); ++i) values_[i] += take * (parameters[i] - values_[i]);
}

void WeightAverage::restore(std::span<const float> values, size_t updates) {
  check_size(values.size());
  std::copy(values.begin(), values.end(), values_.begin());
  updates_ = updates;
}

}  // namespace doppel::internal
