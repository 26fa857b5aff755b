#include "doppel/base/elementary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "doppel/base/random.h"

namespace doppel::internal {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kBoundless = std::numeric_limits<double>::infinity();

// How far a value lies from the exact one, in units of its last place. A long double has the bits
// for that on x86 and on 64-bit ARM.
static_assert(std::numeric_limits<long double>::digits >= 64);
double error_of(double value, long double exact) {
  const auto near = static_cast<double>(std::abs(exact));
  const double unit = std::nextafter(near, kBoundless) - near;
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / unit);
}

// The largest error over numbers that are drawn from low to high.
template <typename Ours, typename Exact>
double largest_error(double low, double high, Ours ours, Exact exact) {
  Random random(1, Purpose::sample);
  double largest = 0;
  for (int i = 0; i < 200'000; ++i) {
    const double x = random.uniform(low, high);
    largest = std::max(largest, error_of(ours(x), exact(static_cast<long double>(x))));
  }
  return largest;
}

TEST(Elementary, LiesWithinSixTenthsOfAUnitInTheLastPlace) {
  const auto exp = [](double low, double high) {
    return largest_error(low, high, elementary::exp, [](long double x) { return std::exp(x); });
  };
  const auto log = [](double low, double high) {
    return largest_error(low, high, elementary::log, [](long double x) { return std::log(x); });
  };
  const auto sin = [](double low, double high) {
    return largest_error(low, high, elementary::sin, [](long double x) { return std::sin(x); });
  };
  const auto cos = [](double low, double high) {
    return largest_error(low, high, elementary::cos, [](long double x) { return std::cos(x); });
  };
  EXPECT_LT(exp(-1e-3, 1e-3), 0.6);
  EXPECT_LT(exp(-2, 2), 0.6);
  EXPECT_LT(exp(-700, 700), 0.6);
  EXPECT_LT(log(0, 1), 0.6);
  EXPECT_LT(log(0.9, 1.1), 0.6);
  EXPECT_LT(log(1 - 1e-9, 1 + 1e-9), 0.6);
  EXPECT_LT(log(1, 1e300), 0.6);
  EXPECT_LT(sin(-1, 1), 0.6);
  EXPECT_LT(sin(-10, 10), 0.6);
  EXPECT_LT(sin(-1e6, 1e6), 0.6);
  EXPECT_LT(cos(0, 2 * std::numbers::pi), 0.6);
  EXPECT_LT(cos(-1e6, 1e6), 0.6);
}

TEST(Elementary, MultiplesOfAQuarterTurnAreAsExactAsTheOthers) {
  for (int n = 1; n < 100'000; n += 7) {
    const double x = n * (std::numbers::pi / 2);
    EXPECT_LT(error_of(elementary::sin(x), std::sin(static_cast<long double>(x))), 0.6) << n;
    EXPECT_LT(error_of(elementary::cos(x), std::cos(static_cast<long double>(x))), 0.6) << n;
  }
}

TEST(Elementary, PowersLoseOnlyWhatTheirLogarithmLacks) {
  for (const double x : {0.9, 0.999, 0.9999, 10.0, 1e-5, 0x1p-1060}) {
    Random random(2, Purpose::sample);
    for (int i = 0; i < 20'000; ++i) {
      const double most = 700 / std::abs(std::log(x)), y = random.uniform(-most, most);
      const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
      EXPECT_LT(error_of(elementary::pow(x, y), exact), 0.6 + std::abs(y * std::log(x)) / 100)
          << x << ' ' << y;
    }
  }
}

TEST(Elementary, AnglesOfPointsAreRoundedToFloat) {
  Random random(3, Purpose::sample);
  int off = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto x = static_cast<float>(random.uniform(-1, 1)),
               y = static_cast<float>(random.uniform(-1, 1));
    const auto exact =
        static_cast<float>(std::atan2(static_cast<long double>(y), static_cast<long double>(x)));
    const float ours = elementary::atan2(y, x);
    EXPECT_NEAR(ours, exact, 3e-7f);
    off += ours == exact ? 0 : 1;
  }
  EXPECT_LT(off, 5);  // of those that lie halfway between two floats
}

TEST(Elementary, KnowsItsEnds) {
  using std::numbers::pi;
  EXPECT_EQ(elementary::exp(0), 1);
  EXPECT_EQ(elementary::exp(-kBoundless), 0);
  EXPECT_EQ(elementary::exp(-1e300), 0);
  EXPECT_EQ(elementary::exp(710), kBoundless);
  EXPECT_EQ(elementary::exp(kBoundless), kBoundless);
  EXPECT_LT(elementary::exp(709.7), kBoundless);
  EXPECT_EQ(elementary::exp(-745), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(elementary::log(1), 0);
  EXPECT_EQ(elementary::log(0), -kBoundless);
  EXPECT_EQ(elementary::log(kBoundless), kBoundless);
  EXPECT_NEAR(elementary::log(0x1p-1074), -1074 * std::numbers::ln2, 1e-12);
  EXPECT_EQ(elementary::pow(0, 3), 0);
  EXPECT_EQ(elementary::pow(0, 0), 1);
  EXPECT_EQ(elementary::pow(0, -1), kBoundless);
  EXPECT_EQ(elementary::pow(2, 10), 1024);
  EXPECT_EQ(elementary::pow(0.5, 1e300), 0);
  EXPECT_EQ(elementary::sin(0), 0);
  EXPECT_EQ(elementary::cos(0), 1);
  EXPECT_EQ(elementary::cos(pi), -1);
  EXPECT_EQ(elementary::atan2(0, 0), 0);
  EXPECT_EQ(elementary::atan2(0, -2), static_cast<float>(pi));
  EXPECT_EQ(elementary::atan2(-3, 0), static_cast<float>(-pi / 2));
  for (const double none :
       {elementary::exp(kNoNumber), elementary::log(kNoNumber), elementary::log(-1),
        elementary::pow(-1, 2), elementary::pow(kNoNumber, 2), elementary::pow(2, kNoNumber),
        elementary::sin(kNoNumber), elementary::cos(kBoundless), elementary::sin(2e6)}) {
    EXPECT_TRUE(std::isnan(none));
  }
}

// The bits themselves: a compiler that fused or reordered what stands there would change them.
TEST(Elementary, GivesTheseBits) {
  uint64_t mixed = 0;
  const auto take = [&](double value) {
    mixed = std::rotl(mixed, 7) * 0x9E3779B97F4A7C15 + std::bit_cast<uint64_t>(value);
  };
  Random random(4, Purpose::sample);
  for (int i = 0; i < 20'000; ++i) {
    const double x = random.uniform(0, 8), y = random.uniform(-8, 8);
    take(elementary::exp(y));
    take(elementary::log(x));
    take(elementary::pow(x, y));
    take(elementary::sin(y));
    take(elementary::cos(y));
    take(double{elementary::atan2(static_cast<float>(x - 4), static_cast<float>(y))});
  }
  EXPECT_EQ(mixed, 7524721139431596189u);
}

}  // namespace
}  // namespace doppel::internal
