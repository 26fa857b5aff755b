#include "doppel/loss/pairwise.h"

#include <gtest/gtest.h>

#include "doppel/error.h"
#include "doppel/loss/loss_check.h"

namespace doppel::internal {
namespace {

TEST(Pairwise, UnitRowsKeepDirectionsAndZeros) {
  const UnitRows units = unit_rows(matrix_of({{3, -4}, {0, 0}, {1e-20f, 0}, {1e-9f, 0}}));
  EXPECT_EQ(units.rows.values, (std::vector<float>{0.6f, -0.8f, 0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(units.length[0], 5);
  EXPECT_EQ(units.length[1], 0);
  EXPECT_EQ(units.length[2], 0);
  Matrix gradient = matrix_of({{1, 0}, {1, 1}, {1, 1}, {0, 1e-9f}});
  through_unit_rows(units, gradient);
  EXPECT_NEAR(gradient.values[0], (1 - 0.36) / 5, 1e-7);
  EXPECT_NEAR(gradient.values[1], 0.48 / 5, 1e-7);
  EXPECT_EQ(gradient.values[3], 0);
  EXPECT_EQ(gradient.values[4], 0);
  EXPECT_NEAR(gradient.values[7], 1, 1e-6);
}

// Sizes around the 16 lanes and the 24 rows of a task.
class PairwiseSizes : public testing::TestWithParam<std::pair<size_t, size_t>> {};

TEST_P(PairwiseSizes, EqualTheSumsTheyStandFor) {
  const auto [n, d] = GetParam();
  ThreadPool pool(2);
  const Matrix x = random_batch(people(n, 1), d, 1, 7);
  const Rows rows = rows_of(x.values, d);
  const Matrix dots = dot_products(x, pool), squares = squared_distances(x, pool);
  ASSERT_EQ(dots.values.size(), n * n);
  ASSERT_EQ(squares.values.size(), n * n);
  const double tolerance = 1e-5 * static_cast<double>(d);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_EQ(squares.row(i)[i], 0);
    for (size_t j = 0; j < n; ++j) {
      const double distance = distance_between(rows[i], rows[j]);
      EXPECT_NEAR(dots.row(i)[j], dot(rows[i], rows[j]), tolerance);
      EXPECT_NEAR(squares.row(i)[j], distance * distance, tolerance);
    }
  }
  Matrix g(n, n);
  Random random(2, Purpose::sample);
  for (float& value : g.values) value = static_cast<float>(random.uniform(-1, 1));
  const Matrix by_dots = dot_products_gradient(x, g, pool),
               by_squares = squared_distances_gradient(x, g, pool);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < d; ++k) {
      double dots_sum = 0, squares_sum = 0;
      for (size_t j = 0; j < n; ++j) {
        const double both = double{g.row(i)[j]} + double{g.row(j)[i]};
        dots_sum += both * rows[j][k];
        squares_sum += 2 * both * (rows[i][k] - rows[j][k]);
      }
      EXPECT_NEAR(by_dots.row(i)[k], dots_sum, 1e-5 * static_cast<double>(n));
      EXPECT_NEAR(by_squares.row(i)[k], squares_sum, 4e-5 * static_cast<double>(n));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pairwise, PairwiseSizes,
                         testing::Values(std::pair{1, 1}, std::pair{2, 17}, std::pair{15, 16},
                                         std::pair{16, 15}, std::pair{17, 3}, std::pair{50, 40}));

TEST(Pairwise, AnEmptyBatchHasNoPairs) {
  ThreadPool pool(2);
  const Matrix x(0, 4), g;
  EXPECT_EQ(dot_products(x, pool).values.size(), 0u);
  EXPECT_EQ(squared_distances(x, pool).values.size(), 0u);
  EXPECT_EQ(dot_products_gradient(x, g, pool).rows, 0u);
  EXPECT_EQ(squared_distances_gradient(x, g, pool).rows, 0u);
}

TEST(Pairwise, EveryEmbeddingNeedsAnIdentity) {
  const std::vector<uint32_t> identity = {0, 1};
  EXPECT_THROW(check_batch(Matrix(3, 2), identity), Error);
  check_batch(Matrix(2, 2), identity);
}

}  // namespace
}  // namespace doppel::internal
