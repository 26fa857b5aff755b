// A dense row-major matrix of floats: images in rows, embeddings in rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace doppel::internal {

struct Matrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<float> values;  // rows x columns

  Matrix() = default;
  Matrix(size_t rows, size_t columns)
      : rows(rows), columns(columns), values(rows * columns, 0.0f) {}

  std::span<float> row(size_t i) { return {values.data() + i * columns, columns}; }
  std::span<const float> row(size_t i) const { return {values.data() + i * columns, columns}; }

  // Behind the others; `columns` values.
  void append(std::span<const float> row) {
    values.insert(values.end(), row.begin(), row.end());
    ++rows;
  }
};

}  // namespace doppel::internal
