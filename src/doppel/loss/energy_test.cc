#include "doppel/loss/energy.h"

#include <gtest/gtest.h>

#include <vector>

namespace doppel {
namespace {

TEST(Energy, EuclideanKnownAnswers) {
  const std::vector<float> a = {1, 2, 3}, b = {1, -1, 7};
  EXPECT_EQ(squared_euclidean(a, b), 25);
  EXPECT_EQ(euclidean(a, b), 5);
  EXPECT_EQ(euclidean(a, a), 0);
  EXPECT_EQ(euclidean(a, b), euclidean(b, a));
}

TEST(Energy, SmallDifferencesOfLargeValuesSurvive) {
  const std::vector<float> a = {16777216.0f, 0}, b = {16777214.0f, 1};
  EXPECT_EQ(squared_euclidean(a, b), 5);
}

}  // namespace
}  // namespace doppel
