#include "doppel/loss/pairwise.h"

#include <algorithm>
#include <cmath>

#include "doppel/error.h"
#include "doppel/nn/kernels.h"

namespace doppel::internal {
namespace {

// Rows of a result that one task computes: whole blocks of the product.
constexpr size_t kTaskRows = 24;

void for_row_ranges(size_t rows, ThreadPool& pool,
                    const std::function<void(size_t begin, size_t end)>& work) {
  pool.parallel_for((rows + kTaskRows - 1) / kTaskRows, [&](size_t task, size_t) {
    work(task * kTaskRows, std::min(rows, (task + 1) * kTaskRows));
  });
}

Matrix without_padding(const AlignedArray<float>& padded, size_t rows, size_t columns) {
  Matrix result(rows, columns);
  const size_t width = whole_vectors(columns);
  for (size_t i = 0; i < rows; ++i) {
    std::copy_n(padded.data() + i * width, columns, result.row(i).data());
  }
  return result;
}

// g + gT: both halves belong to the same pair.
Matrix both_ways(const Matrix& g) {
  Matrix sum(g.rows, g.columns);
  for (size_t i = 0; i < g.rows; ++i) {
    for (size_t j = 0; j < g.columns; ++j) sum.row(i)[j] = g.row(i)[j] + g.row(j)[i];
  }
  return sum;
}

}  // namespace

size_t whole_vectors(size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

AlignedArray<float> batch_in_lanes(const Matrix& x) {
  AlignedArray<float> tiles(whole_vectors(x.rows) * x.columns);
  for (size_t first = 0; first < x.rows; first += kLanes) {
    const float* rows[kLanes] = {};
    for (size_t lane = 0; lane < std::min(kLanes, x.rows - first); ++lane) {
      rows[lane] = x.row(first + lane).data();
    }
    rows_to_tile(rows, x.columns, tiles.data() + first * x.columns);
  }
  return tiles;
}

AlignedArray<float> padded_rows(const Matrix& x) {
  const size_t width = whole_vectors(x.columns);
  AlignedArray<float> rows(x.rows * width);
  for (size_t i = 0; i < x.rows; ++i) {
    std::copy_n(x.row(i).data(), x.columns, rows.data() + i * width);
  }
  return rows;
}

UnitRows unit_rows(const Matrix& x) {
  UnitRows units{Matrix(x.rows, x.columns), std::vector<double>(x.rows, 0.0)};
  for (size_t i = 0; i < x.rows; ++i) {
    double squares = 0;
    for (const float value : x.row(i)) squares += double{value} * double{value};
    const double length = std::sqrt(squares);
    if (length < kShortestVector) continue;
    units.length[i] = length;
    for (size_t k = 0; k < x.columns; ++k) {
      units.rows.row(i)[k] = static_cast<float>(double{x.row(i)[k]} / length);
    }
  }
  return units;
}

void through_unit_rows(const UnitRows& units, Matrix& gradient) {
  for (size_t i = 0; i < gradient.rows; ++i) {
    const auto u = units.rows.row(i);
    const auto g = gradient.row(i);
    double along = 0;
    for (size_t k = 0; k < g.size(); ++k) along += double{g[k]} * double{u[k]};
    const double scale = units.length[i] == 0 ? 0 : 1 / units.length[i];
    for (size_t k = 0; k < g.size(); ++k) {
      g[k] = static_cast<float>((double{g[k]} - along * double{u[k]}) * scale);
    }
  }
}

void times_batch(const float* factors, size_t count, size_t d, const AlignedArray<float>& lanes,
                 size_t n, float* products) {
  const size_t width = whole_vectors(n);
  multiply({.rows = count,
            .outer = 1,
            .inner = d,
            .vectors = width / kLanes,
            .a_row = d,
            .a_outer = 0,
            .a_inner = 1,
            .b_outer = 0,
            .b_inner = kLanes,
            .b_vector = d * kLanes,
            .c_row = width,
            .c_vector = kLanes},
           factors, lanes.data(), nullptr, products);
}

void times_rows(const float* factors, size_t count, size_t stride, const AlignedArray<float>& rows,
                size_t n, size_t d, float* sums) {
  const size_t width = whole_vectors(d);
  multiply({.rows = count,
            .outer = 1,
            .inner = n,
            .vectors = width / kLanes,
            .a_row = stride,
            .a_outer = 0,
            .a_inner = 1,
            .b_outer = 0,
            .b_inner = width,
            .b_vector = kLanes,
            .c_row = width,
            .c_vector = kLanes},
           factors, rows.data(), nullptr, sums);
}

Matrix dot_products(const Matrix& x, ThreadPool& pool) {
  const size_t n = x.rows, d = x.columns, width = whole_vectors(n);
  const AlignedArray<float> lanes = batch_in_lanes(x);
  AlignedArray<float> products(n * width);
  for_row_ranges(n, pool, [&](size_t begin, size_t end) {
    times_batch(x.row(begin).data(), end - begin, d, lanes, n, products.data() + begin * width);
  });
  return without_padding(products, n, n);
}

Matrix dot_products_gradient(const Matrix& x, const Matrix& g, ThreadPool& pool) {
  const size_t n = x.rows, d = x.columns, width = whole_vectors(d);
  const Matrix factor = both_ways(g);
  const AlignedArray<float> rows = padded_rows(x);
  AlignedArray<float> gradient(n * width);
  for_row_ranges(n, pool, [&](size_t begin, size_t end) {
    times_rows(factor.row(begin).data(), end - begin, n, rows, n, d,
               gradient.data() + begin * width);
  });
  return without_padding(gradient, n, d);
}

Matrix squared_distances(const Matrix& x, ThreadPool& pool) {
  const size_t n = x.rows, width = whole_vectors(x.columns);
  const AlignedArray<float> rows = padded_rows(x);
  AlignedArray<float> columns(width * n);
  for (size_t k = 0; k < width; ++k) {
    for (size_t j = 0; j < n; ++j) columns[k * n + j] = rows[j * width + k];
  }
  Matrix distances(n, n);
  for_row_ranges(n, pool, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float* a = rows.data() + i * width;
      float* sum = distances.row(i).data();
      // Four values for each time that the sums are read and written; padding adds zeros.
      for (size_t k = 0; k < width; k += 4) {
        const float *b0 = columns.data() + k * n, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
        for (size_t j = 0; j < n; ++j) {
          const float d0 = a[k] - b0[j], d1 = a[k + 1] - b1[j], d2 = a[k + 2] - b2[j],
                      d3 = a[k + 3] - b3[j];
          sum[j] = sum[j] + d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
        }
      }
    }
  });
  return distances;
}

Matrix squared_distances_gradient(const Matrix& x, const Matrix& g, ThreadPool& pool) {
  const size_t n = x.rows, d = x.columns;
  Matrix gradient(n, d);
  for_row_ranges(n, pool, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float* a = x.row(i).data();
      float* out = gradient.row(i).data();
      for (size_t j = 0; j < n; ++j) {
        const float factor = 2 * (g.row(i)[j] + g.row(j)[i]);
        if (factor == 0) continue;  // most pairs, behind a miner
        const float* b = x.row(j).data();
        for (size_t k = 0; k < d; ++k) out[k] += factor * (a[k] - b[k]);
      }
    }
  });
  return gradient;
}

void check_batch(const Matrix& embeddings, std::span<const uint32_t> identity) {
  if (embeddings.rows == identity.size()) return;
  throw Error(ErrorKind::mismatch, "loss: " + std::to_string(embeddings.rows) +
                                       " embeddings need as many identities, not " +
                                       std::to_string(identity.size()));
}

}  // namespace doppel::internal
