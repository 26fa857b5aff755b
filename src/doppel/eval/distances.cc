#include "doppel/eval/distances.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Row a against kBlock rows at once: each sum runs over the columns in order, as euclidean() does,
// and the sums of a block, independent of each other, fill the vector unit.
void fill_euclidean(const Matrix& embeddings, bool squared, ThreadPool& pool, Distances& result) {
  const size_t n = embeddings.rows, d = embeddings.columns;
  constexpr size_t kBlock = 16;
  const size_t blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> columns(blocks * kBlock * d, 0);  // [block][column][row of the block]
  for (size_t i = 0; i < n; ++i) {
    double* block = columns.data() + i / kBlock * kBlock * d;
    for (size_t k = 0; k < d; ++k) block[k * kBlock + i % kBlock] = double{embeddings.row(i)[k]};
  }
  pool.parallel_for(n, [&](size_t a, size_t) {
    const std::span<const float> row = embeddings.row(a);
    for (size_t block = (a + 1) / kBlock; block < blocks; ++block) {
      double sums[kBlock] = {};
      const double* column = columns.data() + block * kBlock * d;
      for (size_t k = 0; k < d; ++k, column += kBlock) {
        const auto value = double{row[k]};
        for (size_t j = 0; j < kBlock; ++j) {
          const double difference = value - column[j];
          sums[j] += difference * difference;
        }
      }
      const size_t end = std::min(n, (block + 1) * kBlock);
      for (size_t b = std::max(a + 1, block * kBlock); b < end; ++b) {
        const double sum = sums[b - block * kBlock];
        result.values[result.first(a) + (b - a - 1)] =
            static_cast<float>(squared ? sum : std::sqrt(sum));
      }
    }
  });
}

}  // namespace

Distances all_distances(const Matrix& embeddings, ThreadPool& pool, const Energy& energy) {
  const size_t n = embeddings.rows;
  if (n > 1 && n > 2 * kMostPairs / (n - 1)) {
    throw Error(ErrorKind::bad_argument, "distances: " + std::to_string(n) +
                                             " images have more pairs than the " +
                                             std::to_string(kMostPairs) + " that are compared");
  }
  Distances result;
  result.images = n;
  result.values.resize(n < 2 ? 0 : n * (n - 1) / 2);
  if (energy.kind == EnergyKind::euclidean || energy.kind == EnergyKind::squared_euclidean) {
    fill_euclidean(embeddings, energy.kind == EnergyKind::squared_euclidean, pool, result);
    return result;
  }
  pool.parallel_for(n, [&](size_t a, size_t) {
    for (size_t b = a + 1; b < n; ++b) {
      result.values[result.first(a) + (b - a - 1)] =
          static_cast<float>(energy_of(energy, embeddings.row(a), embeddings.row(b)));
    }
  });
  return result;
}

ScoredPairs score_pairs(const Matrix& embeddings, std::span<const Pair> pairs, const Energy& energy,
                        ThreadPool& pool) {
  ScoredPairs scored;
  for (const Pair& pair : pairs) {
    if (std::max(pair.a, pair.b) >= embeddings.rows) {
      throw Error(ErrorKind::mismatch, "pairs: image " + std::to_string(std::max(pair.a, pair.b)) +
                                           " has no embedding, there are " +
                                           std::to_string(embeddings.rows));
    }
    scored.genuine.push_back(pair.genuine);
  }
  scored.distance.resize(pairs.size());
  constexpr size_t kPart = 1024;  // pairs of a task
  pool.parallel_for((pairs.size() + kPart - 1) / kPart, [&](size_t part, size_t) {
    const size_t end = std::min(pairs.size(), (part + 1) * kPart);
    for (size_t i = part * kPart; i < end; ++i) {
      scored.distance[i] = static_cast<float>(
          energy_of(energy, embeddings.row(pairs[i].a), embeddings.row(pairs[i].b)));
    }
  });
  return scored;
}

ScoredPairs score_pairs(const Distances& distances, std::span<const uint32_t> identity_of) {
  if (distances.images != identity_of.size()) {
    throw Error(ErrorKind::mismatch, "distances: those of " + std::to_string(distances.images) +
                                         " images for the persons of " +
                                         std::to_string(identity_of.size()));
  }
  ScoredPairs pairs{distances.values, {}};
  pairs.genuine.reserve(distances.values.size());
  for (size_t a = 0; a < distances.images; ++a) {
    for (size_t b = a + 1; b < distances.images; ++b) {
      pairs.genuine.push_back(identity_of[a] == identity_of[b]);
    }
  }
  return pairs;
}

}  // namespace doppel::internal
