// The distances of many pairs at once: what verification measures.
#pragma once

#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/data/pairs.h"

namespace doppel {

// The Euclidean distance of each pair, in the order of `pairs`; pair (a, b) compares rows a and b
// of `embeddings`. Throws Error(mismatch) where a pair names a row that is not there.
std::vector<float> euclidean_distances(const Matrix& embeddings, std::span<const Pair> pairs);

}  // namespace doppel
