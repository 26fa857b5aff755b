#include "doppel/eval/distance.h"

#include <algorithm>
#include <string>

#include "doppel/base/error.h"
#include "doppel/loss/energy.h"

namespace doppel {

std::vector<float> euclidean_distances(const Matrix& embeddings, std::span<const Pair> pairs) {
  std::vector<float> distances;
  distances.reserve(pairs.size());
  for (const Pair& pair : pairs) {
    if (pair.a >= embeddings.rows || pair.b >= embeddings.rows) {
      throw Error(ErrorKind::mismatch, "pairs: image " + std::to_string(std::max(pair.a, pair.b)) +
                                           " has no embedding, there are " +
                                           std::to_string(embeddings.rows));
    }
    distances.push_back(
        static_cast<float>(euclidean(embeddings.row(pair.a), embeddings.row(pair.b))));
  }
  return distances;
}

}  // namespace doppel
