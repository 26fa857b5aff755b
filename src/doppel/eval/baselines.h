// What recognition reaches without any network. The plain pixels are an embedding as they are
// (image/preprocessing.h); eigenfaces are made here, to be measured like a network's embeddings.
#pragma once

#include <cstddef>
#include <vector>

#include "doppel/base/matrix.h"

namespace doppel::internal {

// Principal components (Turk and Pentland: Eigenfaces for recognition, 1991).
struct Pca {
  std::vector<float> mean;  // d
  Matrix components;        // k x d, orthonormal rows, by falling variance
};

// Fits to `training` (n x d). k = min(most_components, n - 1, d), fewer where the rows span fewer
// directions. Throws Error(bad_data) where all rows are alike or there are fewer than two.
Pca fit_pca(const Matrix& training, size_t most_components = 50);

// (row - mean) projected onto each component: m x d in, m x k out. Throws Error(mismatch) where
// the rows have another length than the training's.
Matrix project(const Pca& pca, const Matrix& rows);

}  // namespace doppel::internal
