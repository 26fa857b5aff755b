// What losses over a batch share: unit vectors, all dot products, all distances, and the way of a
// gradient back through them. A batch is a matrix of n embeddings of d values, one in a row.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/aligned.h"
#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"

namespace doppel::internal {

// Every row divided by its length. A row shorter than kShortestVector has no direction: it becomes
// zeros, its length counts as 0, and no gradient passes.
inline constexpr double kShortestVector = 1e-12;
struct UnitRows {
  Matrix rows;
  std::vector<double> length;
};
UnitRows unit_rows(const Matrix& x);

// The gradient by the rows as they were, in place of that by unit vectors u = x / |x|:
//   dx = (du - (du.u) u) / |x|.
void through_unit_rows(const UnitRows& units, Matrix& gradient);

// x.xT, n x n.
Matrix dot_products(const Matrix& x, ThreadPool& pool);
// The gradient by x of a loss whose gradient by x.xT is g (n x n): (g + gT) x.
Matrix dot_products_gradient(const Matrix& x, const Matrix& g, ThreadPool& pool);

// |x_i - x_j|^2, n x n, summed from the differences: equal rows give exactly 0.
Matrix squared_distances(const Matrix& x, ThreadPool& pool);
// The gradient by x of a loss whose gradient by these is g: 2 sum over j of
// (g_ij + g_ji)(x_i - x_j).
Matrix squared_distances_gradient(const Matrix& x, const Matrix& g, ThreadPool& pool);

// For the kernels (nn/kernels.h), aligned and padded with zeros:
// the batch in the lanes, [ceil(n / 16)][d][16], and rows as vectors, [n][ceil(d / 16) * 16].
AlignedArray<float> batch_in_lanes(const Matrix& x);
AlignedArray<float> padded_rows(const Matrix& x);

// products[r][i] = the sum over k < d of factors[r][k] x_i[k], for `count` rows of d factors and
// the batch x in the lanes; a row of products has whole_vectors(n) values.
void times_batch(const float* factors, size_t count, size_t d, const AlignedArray<float>& lanes,
                 size_t n, float* products);
// sums[r][k] = the sum over i < n of factors[r][i] x_i[k], for `count` rows of factors that lie
// `stride` apart and x as padded rows; a row of sums has whole_vectors(d) values.
void times_rows(const float* factors, size_t count, size_t stride, const AlignedArray<float>& rows,
                size_t n, size_t d, float* sums);

// `n` rounded up to whole vectors.
size_t whole_vectors(size_t n);

// Throws Error(mismatch) unless there is an identity for each embedding.
void check_batch(const Matrix& embeddings, std::span<const uint32_t> identity);

}  // namespace doppel::internal
