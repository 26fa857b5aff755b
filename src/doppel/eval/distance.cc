#include "doppel/eval/distance.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "doppel/base/error.h"

namespace doppel {

double squared_distance(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - double{b[i]};
    sum += difference * difference;
  }
  return sum;
}

std::vector<float> euclidean_distances(const Matrix& embeddings, std::span<const Pair> pairs) {
  std::vector<float> distances;
  distances.reserve(pairs.size());
  for (const Pair& pair : pairs) {
    if (pair.a >= embeddings.rows || pair.b >= embeddings.rows) {
      throw Error(ErrorKind::mismatch, "pairs: image " + std::to_string(std::max(pair.a, pair.b)) +
                                           " has no embedding, there are " +
                                           std::to_string(embeddings.rows));
    }
    distances.push_back(static_cast<float>(
        std::sqrt(squared_distance(embeddings.row(pair.a), embeddings.row(pair.b)))));
  }
  return distances;
}

}  // namespace doppel
