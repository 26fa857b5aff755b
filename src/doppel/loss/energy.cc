#include "doppel/loss/energy.h"

#include <cassert>
#include <cmath>
#include <cstddef>

namespace doppel {

double squared_euclidean(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - double{b[i]};
    sum += difference * difference;
  }
  return sum;
}

double euclidean(std::span<const float> a, std::span<const float> b) {
  return std::sqrt(squared_euclidean(a, b));
}

}  // namespace doppel
