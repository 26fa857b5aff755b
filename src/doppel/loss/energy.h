// The energy of a pair: how far apart its two embeddings are.
#pragma once

#include <span>

namespace doppel {

// E(a, b)^2 = sum over i of (a_i - b_i)^2, added in double precision, in order. `a` and `b` are
// embeddings of equal length.
double squared_euclidean(std::span<const float> a, std::span<const float> b);

// E(a, b) = |a - b|, the tutorial's energy.
double euclidean(std::span<const float> a, std::span<const float> b);

}  // namespace doppel
