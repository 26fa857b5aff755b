#include "doppel/service/rate_limit.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

using std::chrono::milliseconds;

TEST(RateLimit, LetsThroughARateAfterABurst) {
  RateLimit limit(4);
  RateLimit::Time now{};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(limit.take("a", now)) << i;
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_TRUE(limit.take("b", now)) << "each key has its own";
  int passed = 0;
  for (int i = 0; i < 1000; ++i) passed += limit.take("a", now += milliseconds(10)) ? 1 : 0;
  EXPECT_EQ(passed, 40) << "of ten seconds";
  now += std::chrono::hours(1);
  passed = 0;
  while (limit.take("a", now)) ++passed;
  EXPECT_EQ(passed, 4) << "rest does not add up";
}

TEST(RateLimit, NoRateIsNoLimit) {
  RateLimit limit(0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(limit.take("a", {}));
}

TEST(RateLimit, OneInManySecondsIsARate) {
  RateLimit limit(0.1);
  RateLimit::Time now{};
  EXPECT_TRUE(limit.take("a", now));
  EXPECT_FALSE(limit.take("a", now += std::chrono::seconds(9)));
  EXPECT_TRUE(limit.take("a", now += std::chrono::seconds(2)));
}

}  // namespace
}  // namespace doppel::internal
