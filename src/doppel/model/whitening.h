// Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, "Within-Class Covariance
// Normalization for SVM-based Speaker Recognition", 2006): directions in which pictures of one
// person differ count less.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"

namespace doppel::internal {

struct Whitening {
  std::vector<float> mean;  // of all training rows
  Matrix transform;         // symmetric, size x size: S^(-1/2)

  size_t size() const { return mean.size(); }
};

// S is half the covariance of the rows within their identities (around each one's mean, divided by
// the number of rows), half its mean variance in every direction: an estimate from few rows
// underrates the directions that it did not see (Ledoit and Wolf, 2004). Where no identity has two
// rows that differ, S is 1 and nothing is whitened. identity_of[i] is whom row i shows. Throws
// Error(bad_data) without rows, Error(mismatch) where the numbers of rows differ, Error(numeric)
// where values are not finite.
Whitening fit_whitening(const Matrix& rows, std::span<const uint32_t> identity_of);

// row = S^(-1/2) (row - mean). Throws Error(mismatch) where the row has another size.
void whiten(const Whitening& whitening, std::span<float> row);

}  // namespace doppel::internal
