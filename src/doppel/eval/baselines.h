// What recognition reaches without any network: raw pixels and eigenfaces. Takes images, gives
// embeddings that verification and one-shot recognition measure like a network's.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/image/image.h"

namespace doppel {

// One row of width * height grey values per image. Throws Error(mismatch) where sizes differ.
Matrix pixel_embeddings(std::span<const Image> images);

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

}  // namespace doppel
