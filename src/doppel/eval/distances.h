// Distances between embeddings: one row per image comes in, the distance of every pair of them goes
// out, once, for all figures that are made from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/data/pairs.h"
#include "doppel/eval/verification.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

// The distances of n images to each other, each unordered pair once: the upper triangle, row by
// row, in the order of all_pairs().
struct Distances {
  size_t images = 0;
  std::vector<float> values;  // images * (images - 1) / 2

  // Of two images, in any order; 0 of an image to itself.
  float operator()(size_t a, size_t b) const {
    if (a == b) return 0;
    if (a > b) return (*this)(b, a);
    return values[first(a) + (b - a - 1)];
  }
  // Where the pairs (a, a + 1), (a, a + 2), ... begin.
  size_t first(size_t a) const { return a * (2 * images - a - 1) / 2; }
};

// The energies of all pairs of `embeddings` (n x d), for every number of threads the bits of
// energy_of() for each pair. Throws like energy_of, and Error(bad_argument) where they are more
// than kMostPairs.
Distances all_distances(const Matrix& embeddings, ThreadPool& pool, const Energy& energy = {});

// The pairs with the energies of their embeddings, in their order. Throws like energy_of, and
// Error(mismatch) where a pair names a row that is not there.
ScoredPairs score_pairs(const Matrix& embeddings, std::span<const Pair> pairs, const Energy& energy,
                        ThreadPool& pool);

// All pairs as they are scored: `identity_of` holds the person of each image. Throws
// Error(mismatch) where it has another length.
ScoredPairs score_pairs(const Distances& distances, std::span<const uint32_t> identity_of);

}  // namespace doppel::internal
