#include "doppel/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace doppel::internal {
namespace {

// Known answers from the authors' Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox(0, {0, 0, 0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~uint64_t{0}, {~0u, ~0u, ~0u, ~0u}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, SameArgumentsSameNumbersOtherArgumentsOthers) {
  auto first = [](Random r) {
    return std::array{r.next(), r.next(), r.next(), r.next(), r.next()};
  };
  const auto base = first(Random(7, Purpose::pairs, 3, 1));
  EXPECT_EQ(base, first(Random(7, Purpose::pairs, 3, 1)));
  EXPECT_NE(base, first(Random(8, Purpose::pairs, 3, 1)));
  EXPECT_NE(base, first(Random(7, Purpose::split, 3, 1)));
  EXPECT_NE(base, first(Random(7, Purpose::pairs, 4, 1)));
  EXPECT_NE(base, first(Random(7, Purpose::pairs, 3, 2)));
}

TEST(Random, BelowIsUniform) {
  Random random(1, Purpose::sample);
  std::vector<int> count(7);
  const int draws = 70000;
  for (int i = 0; i < draws; ++i) ++count[random.below(7)];
  double chi2 = 0;
  for (int c : count) chi2 += (c - draws / 7.0) * (c - draws / 7.0) / (draws / 7.0);
  EXPECT_LT(chi2, 22.5);  // 6 degrees of freedom, p = 0.001
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(2, Purpose::sample);
  const int draws = 200000;
  double sum = 0, sum2 = 0, lowest = 1, highest = 0, nsum = 0, nsum2 = 0;
  for (int i = 0; i < draws; ++i) {
    const double u = random.uniform(), n = random.normal();
    sum += u, sum2 += u * u, nsum += n, nsum2 += n * n;
    lowest = std::min(lowest, u), highest = std::max(highest, u);
  }
  EXPECT_GE(lowest, 0);
  EXPECT_LT(highest, 1);
  EXPECT_NEAR(sum / draws, 0.5, 0.003);  // 4.6 standard errors
  EXPECT_NEAR(sum2 / draws, 1 / 3.0, 0.003);
  EXPECT_NEAR(nsum / draws, 0, 0.01);
  EXPECT_NEAR(nsum2 / draws, 1, 0.015);
}

TEST(Random, ShuffleReachesEveryOrderEqually) {
  std::vector<int> count(6);
  for (uint32_t trial = 0; trial < 6000; ++trial) {
    std::array<int, 3> items = {0, 1, 2};
    Random(3, Purpose::shuffle, trial).shuffle(std::span<int>(items));
    ++count[static_cast<size_t>(items[0] * 2 + (items[1] > items[2]))];
  }
  for (int c : count) EXPECT_NEAR(c, 1000, 130);  // 4.5 standard deviations
}

}  // namespace
}  // namespace doppel::internal
