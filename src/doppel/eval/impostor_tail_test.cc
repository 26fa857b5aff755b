#include "doppel/eval/impostor_tail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "doppel/base/random.h"

namespace doppel::internal {
namespace {

TEST(ImpostorTail, RanksByHand) {
  const std::vector<float> distances = {1, 2, 4, 8};
  const std::vector<uint64_t> once(4, 1);
  const ImpostorTail tail(distances, once, 1);
  EXPECT_DOUBLE_EQ(tail.distance_at(0.2), 1);  // rank 1 of 5
  EXPECT_DOUBLE_EQ(tail.distance_at(0.3), 1.5);
  EXPECT_DOUBLE_EQ(tail.distance_at(0.8), 8);
  EXPECT_DOUBLE_EQ(tail.distance_at(1), 8);
  // All four are the tail, d_m = 8: 1/k = (3 + 2 + 1) ln 2 / 3.
  EXPECT_NEAR(tail.exponent(), 1 / (2 * std::log(2)), 1e-12);
  EXPECT_NEAR(tail.distance_at(0.1), std::pow(0.5, 1 / tail.exponent()), 1e-12);
}

TEST(ImpostorTail, WeightsAreCopies) {
  const std::vector<float> distances = {1, 2, 4, 8}, copies = {1, 1, 1, 4, 8, 8};
  const std::vector<uint64_t> weights = {3, 0, 1, 2}, once(6, 1);
  const ImpostorTail a(distances, weights, 2), b(copies, once, 2);
  EXPECT_EQ(a.exponent(), b.exponent());
  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(a.distance_at(i / 100.0), b.distance_at(i / 100.0)) << i;
  }
}

// The power law's promise, where distances follow it: points in k dimensions about another one.
TEST(ImpostorTail, ExtrapolatesBeyondThePairsAtHand) {
  Random random(1, Purpose::sample);
  for (const double k : {3.0, 12.0}) {
    double mean = 0;
    constexpr int kTrials = 50;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<float> distances(4000);
      for (float& d : distances) d = static_cast<float>(std::pow(random.uniform(), 1 / k));
      std::ranges::sort(distances);
      const std::vector<uint64_t> once(distances.size(), 1);
      const ImpostorTail tail(distances, once, 10);
      EXPECT_NEAR(tail.exponent(), k, 0.35 * k);
      // The true FAR at the distance for one of a million is d^k.
      mean += std::log10(std::pow(tail.distance_at(1e-6), k)) / kTrials;
    }
    EXPECT_NEAR(mean, -6, 0.3) << k;
  }
}

TEST(ImpostorTail, DistancesThatAreAlike) {
  const std::vector<float> distances(30, 0.5f);
  const std::vector<uint64_t> once(30, 1);
  const ImpostorTail tail(distances, once, 5);
  EXPECT_TRUE(std::isinf(tail.exponent()));
  EXPECT_EQ(tail.distance_at(1e-9), 0.5);
  std::vector<float> zeros(30, 0.0f);
  EXPECT_EQ(ImpostorTail(zeros, once, 5).distance_at(1e-3), 0);
}

}  // namespace
}  // namespace doppel::internal
