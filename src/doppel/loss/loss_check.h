// Test support: random batches, and the comparison of a loss with a formula in double precision
// that knows nothing of it: value, central differences, equal bits on any number of threads.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/loss/batch_loss.h"

namespace doppel::internal {

// Rows of numbers in double precision.
using Rows = std::vector<std::vector<double>>;

inline Rows rows_of(std::span<const float> values, size_t columns) {
  Rows rows(columns == 0 ? 0 : values.size() / columns, std::vector<double>(columns));
  for (size_t i = 0; i < values.size(); ++i) rows[i / columns][i % columns] = values[i];
  return rows;
}

inline Matrix matrix_of(const std::vector<std::vector<float>>& rows) {
  Matrix m(rows.size(), rows[0].size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), m.row(i).begin());
  }
  return m;
}

// Normal numbers around a centre for each identity, so that genuine pairs are nearer on the whole.
inline Matrix random_batch(const std::vector<uint32_t>& identity, size_t d, double spread,
                           uint64_t seed) {
  Matrix x(identity.size(), d);
  for (size_t i = 0; i < x.rows; ++i) {
    Random centre(seed, Purpose::sample, identity[i]);
    Random own(seed, Purpose::sample, static_cast<uint32_t>(i), 1);
    for (float& value : x.row(i))
      value = static_cast<float>(centre.normal() + spread * own.normal());
  }
  return x;
}

// The identities 0 .. p-1, k times each, one after the other.
inline std::vector<uint32_t> people(size_t p, size_t k) {
  std::vector<uint32_t> identity;
  for (size_t i = 0; i < p * k; ++i) identity.push_back(static_cast<uint32_t>(i % p));
  return identity;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline double cosine_between(const std::vector<double>& a, const std::vector<double>& b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

inline double distance_between(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

inline void expect_finite(const LossResult& result) {
  EXPECT_TRUE(std::isfinite(result.loss));
  for (const float g : result.gradient.values) ASSERT_TRUE(std::isfinite(g));
  for (const float g : result.parameter_gradient) ASSERT_TRUE(std::isfinite(g));
}

// Compares `gradient` with the central differences of `loss` by every one of `values`, relative to
// the largest of them.
inline void expect_gradient(const std::function<double()>& loss, Rows& values,
                            std::span<const float> gradient, double tolerance) {
  const double h = 1e-6;
  std::vector<double> expected;
  double largest = 0;
  for (std::vector<double>& row : values) {
    for (double& value : row) {
      const double kept = value;
      value = kept + h;
      const double up = loss();
      value = kept - h;
      const double down = loss();
      value = kept;
      expected.push_back((up - down) / (2 * h));
      largest = std::max(largest, std::abs(expected.back()));
    }
  }
  ASSERT_EQ(gradient.size(), expected.size());
  ASSERT_GT(largest, 1e-4) << "a gradient of 0 shows nothing";
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(gradient[i], expected[i], tolerance * largest) << "value " << i;
  }
}

// The formula takes embeddings and parameters (rows as long as embeddings).
using Formula = std::function<double(const Rows& x, const Rows& parameters)>;

inline void expect_loss(const BatchLoss& loss, const Matrix& embeddings,
                        const std::vector<uint32_t>& identity, const std::vector<float>& parameters,
                        const Formula& formula, double tolerance = 1e-5) {
  ThreadPool one(1);
  const LossResult result = loss.evaluate(embeddings, identity, parameters, one);
  Rows x = rows_of(embeddings.values, embeddings.columns),
       w = rows_of(parameters, embeddings.columns);
  const double expected = formula(x, w);
  EXPECT_NEAR(result.loss, expected, 2e-6 * (1 + std::abs(expected)));
  const auto again = [&] { return formula(x, w); };
  expect_gradient(again, x, result.gradient.values, tolerance);
  if (parameters.empty()) {
    EXPECT_TRUE(result.parameter_gradient.empty());
  } else {
    expect_gradient(again, w, result.parameter_gradient, tolerance);
  }
  for (int threads = 2; threads <= 3; ++threads) {
    ThreadPool more(threads);
    const LossResult other = loss.evaluate(embeddings, identity, parameters, more);
    EXPECT_EQ(result.loss, other.loss);
    EXPECT_EQ(result.gradient.values, other.gradient.values);
    EXPECT_EQ(result.parameter_gradient, other.parameter_gradient);
  }
}

}  // namespace doppel::internal
