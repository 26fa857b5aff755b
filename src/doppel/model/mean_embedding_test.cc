#include "doppel/model/mean_embedding.h"

#include <gtest/gtest.h>

#include <cmath>

namespace doppel::internal {
namespace {

Matrix two_rows(std::vector<float> values) {
  Matrix rows(2, values.size() / 2);
  rows.values = std::move(values);
  return rows;
}

TEST(MeanEmbedding, IsAsLongAsTheyAre) {
  const Matrix unit = two_rows({1, 0, 0, 1});
  const std::vector<float> mean = mean_embedding(unit, std::vector<size_t>{0, 1});
  EXPECT_NEAR(mean[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(mean[1], std::sqrt(0.5), 1e-6);
  const Matrix others = two_rows({2, 0, 4, 0});
  EXPECT_NEAR(mean_embedding(others, std::vector<size_t>{0, 1})[0], 3, 1e-6);
}

TEST(MeanEmbedding, OfOneIsItself) {
  const Matrix rows = two_rows({0.1f, 0.2f, 0.3f, 0.4f});
  EXPECT_EQ(mean_embedding(rows, std::vector<size_t>{1}), (std::vector<float>{0.3f, 0.4f}));
}

TEST(MeanEmbedding, OfOppositesIsOfZeros) {
  const Matrix rows = two_rows({1, 0, -1, 0});
  EXPECT_EQ(mean_embedding(rows, std::vector<size_t>{0, 1}), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace doppel::internal
