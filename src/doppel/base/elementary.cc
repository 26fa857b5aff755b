#include "doppel/base/elementary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace doppel::internal::elementary {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A number as a sum of two: high is the nearest double, or nearly so, and low is what is missing.
struct Sum {
  double high, low;
};

// a + b, |a| >= |b| or a = 0 (Dekker: A floating-point technique for extending the available
// precision, 1971).
Sum add_smaller(double a, double b) {
  const double high = a + b;
  return {high, b - (high - a)};
}

// a + b (Knuth: The art of computer programming, 4.2.2).
Sum add(double a, double b) {
  const double high = a + b, of_b = high - a;
  return {high, (a - (high - of_b)) + (b - of_b)};
}

// a b (Veltkamp and Dekker, 1971). No std::fma: without an instruction for it it is a slow call.
Sum multiply(double a, double b) {
  constexpr double kSplit = 134217729;  // 2^27 + 1: halves whose products are exact
  const auto split = [](double x) -> Sum {
    const double high = kSplit * x - (kSplit * x - x);
    return {high, x - high};
  };
  const Sum s = split(a), t = split(b);
  const double high = a * b;
  const double low = s.low * t.low - (((high - s.high * t.high) - s.low * t.high) - s.high * t.low);
  return {high, low};
}

// c[0] + c[1] x + c[2] x^2 + ..
template <size_t n>
double polynomial(const std::array<double, n>& c, double x) {
  double value = c[n - 1];
  for (size_t i = n - 1; i-- > 0;) value = value * x + c[i];
  return value;
}

// 1 / first!, then what `step` terms further stand: sign / (first + step)!, ..
template <size_t n>
constexpr std::array<double, n> inverse_factorials(int first, int step, double sign) {
  std::array<double, n> c{};
  double factorial = 1, factor = 1;
  int at = 1;
  for (size_t i = 0; i < n; ++i) {
    for (; at < first + static_cast<int>(i) * step; ++at) factorial *= at + 1;
    c[i] = factor / factorial;
    factor *= sign;
  }
  return c;
}

// 1 / 3, sign / 5, 1 / 7, ..
template <size_t n>
constexpr std::array<double, n> inverse_odd(double sign) {
  std::array<double, n> c{};
  double factor = 1;
  for (size_t i = 0; i < n; ++i) {
    c[i] = factor / static_cast<double>(2 * i + 3);
    factor *= sign;
  }
  return c;
}

// log 2, the first part with so few bits that an exponent's multiple of it is exact.
constexpr double kLog2High = 0x1.62e42feep-1, kLog2Low = 0x1.a39ef35793c76p-33;

// x = 2^k m with m near 1: log m = 2 artanh((m - 1) / (m + 1)), |(m - 1) / (m + 1)| <= 0.172.
Sum log_of(double x) {
  int k = 0;
  double m = std::frexp(x, &k);
  if (m < std::numbers::sqrt2 / 2) {
    m *= 2;
    --k;
  }
  const double f = m - 1;
  const Sum below = add_smaller(2, f);
  const double s = f / below.high;
  const Sum back = multiply(s, below.high);
  const double s_low = (((f - back.high) - back.low) - s * below.low) / below.high;
  static constexpr auto kSeries = inverse_odd<11>(1);
  const double z = s * s, rest = 2 * (s_low + s * z * polynomial(kSeries, z));
  if (k == 0) return add_smaller(2 * s, rest);
  const Sum whole = add_smaller(k * kLog2High, 2 * s);
  return add_smaller(whole.high, whole.low + (rest + k * kLog2Low));
}

// x = k log 2 + r, |r| <= 0.35: 2^k (1 + r + r^2/2 + ..).
double exp_of(Sum x) {
  if (std::isnan(x.high)) return kNan;
  if (x.high > 710) return kInfinity;
  if (x.high < -746) return 0;
  const double k = std::floor(x.high * (1 / std::numbers::ln2) + 0.5);
  const Sum r = add(x.high - k * kLog2High, x.low - k * kLog2Low);
  static constexpr auto kSeries = inverse_factorials<12>(3, 1, 1);
  const Sum square = multiply(r.high, r.high), line = add_smaller(1, r.high);
  const Sum parabola = add(line.high, square.high / 2);
  const double cubic = r.high * square.high * polynomial(kSeries, r.high);
  const double low = parabola.low + (line.low + (square.low / 2 + (cubic + r.low * (1 + r.high))));
  return std::ldexp(parabola.high + low, static_cast<int>(k));
}

// An angle without its quarter turns: |rest| <= pi / 4, and a little.
struct Reduced {
  int quarters;  // modulo 4
  Sum rest;
};

// pi / 2 in three parts, the first two of which have so few bits that 2^20 times them is exact.
Reduced reduced(double x) {
  constexpr double kFirst = 0x1.921fb544p0, kSecond = 0x1.0b4611a6p-34,
                   kThird = 0x1.3198a2e037073p-69;
  const double n = std::floor(x * (2 / std::numbers::pi) + 0.5);
  const Sum two = add(x - n * kFirst, -n * kSecond);
  return {static_cast<int>(n) & 3, add_smaller(two.high, two.low - n * kThird)};
}

double sin_of(Sum r) {
  constexpr double kSixth = 1.0 / 6, kSixthLow = 0x1.5555555555555p-57;
  static constexpr auto kSeries = inverse_factorials<7>(5, 2, -1);
  const Sum square = multiply(r.high, r.high), cube = multiply(r.high, square.high);
  const Sum sixth = multiply(cube.high, kSixth);
  const double sixth_low =
      sixth.low + (cube.high * kSixthLow + (cube.low + r.high * square.low) * kSixth);
  const Sum sum = add_smaller(r.high, -sixth.high);
  const double fifth = cube.high * square.high * polynomial(kSeries, square.high);
  return sum.high + (sum.low + ((fifth - sixth_low) + r.low * (1 - square.high / 2)));
}

double cos_of(Sum r) {
  static constexpr auto kSeries = inverse_factorials<8>(4, 2, -1);
  const Sum square = multiply(r.high, r.high), sum = add_smaller(1, -square.high / 2);
  const double fourth = square.high * square.high * polynomial(kSeries, square.high);
  return sum.high + (sum.low + ((fourth - square.low / 2) - r.high * r.low));
}

bool is_angle(double x) { return x >= -0x1p20 && x <= 0x1p20; }

}  // namespace

double exp(double x) { return exp_of({x, 0}); }

double log(double x) {
  if (x == 0) return -kInfinity;
  if (!(x > 0)) return kNan;
  if (x == kInfinity) return x;
  const Sum result = log_of(x);
  return result.high + result.low;
}

double pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (x == 0 || x == kInfinity) return (x == 0) == (y > 0) ? 0 : kInfinity;
  if (!(x > 0)) return kNan;
  const Sum log_x = log_of(x), product = multiply(y, log_x.high);
  return exp_of({product.high, product.low + y * log_x.low});
}

double sin(double x) {
  if (!is_angle(x)) return kNan;
  const auto [quarters, rest] = reduced(x);
  const double value = (quarters & 1) != 0 ? cos_of(rest) : sin_of(rest);
  return (quarters & 2) != 0 ? -value : value;
}

double cos(double x) {
  if (!is_angle(x)) return kNan;
  const auto [quarters, rest] = reduced(x);
  const double value = (quarters & 1) != 0 ? sin_of(rest) : cos_of(rest);
  return quarters == 1 || quarters == 2 ? -value : value;
}

// In the first eighth of a turn, from 0 or from pi / 6, whichever is nearer: at most pi / 12 away.
float atan2(float y, float x) {
  const double across = std::abs(double{x}), up = std::abs(double{y});
  const double least = std::min(across, up), most = std::max(across, up);
  if (most == 0) return 0;
  constexpr double kTan30 = std::numbers::inv_sqrt3, kTan15 = 2 - std::numbers::sqrt3;
  const bool near_30 = least > kTan15 * most;
  const double t = near_30 ? (least - kTan30 * most) / (most + kTan30 * least) : least / most;
  static constexpr auto kSeries = inverse_odd<11>(-1);
  const double square = t * t;
  double angle = t - t * square * polynomial(kSeries, square);
  if (near_30) angle += std::numbers::pi / 6;
  if (up > across) angle = std::numbers::pi / 2 - angle;
  if (x < 0) angle = std::numbers::pi - angle;
  return static_cast<float>(y < 0 ? -angle : angle);
}

}  // namespace doppel::internal::elementary
