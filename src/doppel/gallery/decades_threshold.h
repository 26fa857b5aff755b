// What tests decide by: a threshold whose FARs can be read off its distances.
#pragma once

#include <algorithm>
#include <cmath>

#include "doppel/model/threshold.h"

namespace doppel::internal {

// FARs of 1e-6 .. 1 at distances 0.1 .. 0.7, a decade for each 0.1; known down to 1e-3.
inline Threshold decades() {
  Threshold threshold{0.01, 0.5, 0.005, 0.02, 10, 1000, 0.9, 5, {}};
  for (int i = 0; i <= 6; ++i) {
    const double far = std::pow(10, i - 6);
    threshold.curve.points.push_back({far, 0.1 * (i + 1), far / 2, std::min(1.0, 2 * far)});
  }
  threshold.curve.resolved = 1e-3;
  return threshold;
}

}  // namespace doppel::internal
