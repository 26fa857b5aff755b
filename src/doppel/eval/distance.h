// Distances between embeddings: what verification and one-shot recognition compare people by.
#pragma once

#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/data/pairs.h"

namespace doppel {

// Sum over i of (a_i - b_i)^2, added up in double precision. `a` and `b` are of equal length.
double squared_distance(std::span<const float> a, std::span<const float> b);

// The Euclidean distance of each pair, in the order of `pairs`; pair (a, b) compares rows a and b
// of `embeddings`. Throws Error(mismatch) where a pair names a row that is not there.
std::vector<float> euclidean_distances(const Matrix& embeddings, std::span<const Pair> pairs);

}  // namespace doppel
