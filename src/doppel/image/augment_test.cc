#include "doppel/image/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>
#include <vector>

#include "doppel/error.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using Pixels = std::vector<float>;

constexpr ImageShape kShape{21, 31};  // an odd number: one pixel is the centre
constexpr size_t kCentre = 10 * 31 + 15, kRight = 1, kDown = 31;
constexpr uint32_t kDraws = 4000;

Pixels augmented(const AugmentSettings& settings, const Pixels& in, uint32_t slot = 0,
                 ImageShape shape = kShape) {
  Pixels out(in.size(), 99);
  augment(settings, shape, in, out, Random(1, Purpose::augment, 7, static_cast<uint16_t>(slot)));
  return out;
}

// a + b x + c y, x and y in pixels from the centre: bilinear sampling gives it exactly, inside.
Pixels plane(double a, double b, double c) {
  Pixels image;
  for (int y = -10; y <= 10; ++y) {
    for (int x = -15; x <= 15; ++x) image.push_back(static_cast<float>(a + b * x + c * y));
  }
  return image;
}

Pixels noisy(size_t size = kShape.size()) {
  Random random(2, Purpose::sample);
  Pixels image(size);
  for (float& value : image) value = static_cast<float>(random.uniform(-2, 2));
  return image;
}

// Every setting on; what a strong augmentation would be.
AugmentSettings everything() {
  return {.rotation = 0.08,
          .scale = 0.1,
          .aspect = 0.06,
          .shear = 0.06,
          .shift = 0.08,
          .flip = 0.5,
          .elastic = 0.02,
          .blur = 0.5,
          .tone = 0.3,
          .light_x = 0.25,
          .light_y = 0.15,
          .gain = 0.2,
          .offset = 0.2,
          .noise = 0.1,
          .cutout = 0.5};
}

// Mean and standard deviation of what `measure` finds in kDraws augmented images.
struct Moments {
  double mean = 0, deviation = 0;
};
Moments measured(const AugmentSettings& settings, const Pixels& in,
                 const std::function<double(const Pixels&)>& measure) {
  double sum = 0, squares = 0;
  for (uint32_t slot = 0; slot < kDraws; ++slot) {
    const double value = measure(augmented(settings, in, slot));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  return {mean, std::sqrt(squares / kDraws - mean * mean)};
}

// With kDraws normal draws the mean has the error std / 63, the deviation that of std / 89.
void expect_normal(const Moments& moments, double deviation) {
  EXPECT_NEAR(moments.mean, 0, 4 * deviation / 63);
  EXPECT_NEAR(moments.deviation, deviation, 4 * deviation / 89);
}

// What is seen at the centre and how it changes there to the right and downwards.
double level(const Pixels& image) { return image[kCentre]; }
double slope_x(const Pixels& image) {
  return (double{image[kCentre + kRight]} - double{image[kCentre - kRight]}) / 2;
}
double slope_y(const Pixels& image) {
  return (double{image[kCentre + kDown]} - double{image[kCentre - kDown]}) / 2;
}

TEST(Augment, AllOffGivesTheInputsBits) {
  Pixels in = noisy();
  in[3] = -0.0f;
  const Pixels out = augmented({}, in);
  EXPECT_EQ(std::memcmp(in.data(), out.data(), in.size() * sizeof(float)), 0);
}

TEST(Augment, FlipIsExactAndAsFrequentAsAsked) {
  const Pixels in = noisy();
  Pixels mirrored(in.size());
  mirror(kShape, in, mirrored);
  AugmentSettings settings;
  settings.flip = 1;
  EXPECT_EQ(augmented(settings, in), mirrored);
  settings.flip = 0.25;
  int flips = 0;
  for (uint32_t slot = 0; slot < kDraws; ++slot) {
    const Pixels out = augmented(settings, in, slot);
    ASSERT_TRUE(out == in || out == mirrored);
    flips += out == mirrored ? 1 : 0;
  }
  EXPECT_NEAR(flips, kDraws * 0.25, 110);
}

TEST(Augment, ShiftsByPartsOfHalfTheSides) {
  AugmentSettings settings;
  settings.shift = 0.1;
  expect_normal(measured(settings, plane(0, 1, 0), level), 0.1 * 31 / 2);
  expect_normal(measured(settings, plane(0, 0, 1), level), 0.1 * 21 / 2);
}

TEST(Augment, TurnsByRadiansWithoutDistortion) {
  AugmentSettings settings;
  settings.rotation = 0.2;
  expect_normal(measured(settings, plane(0, 1, 0),
                         [](const Pixels& x) { return std::atan2(-slope_y(x), slope_x(x)); }),
                0.2);
  expect_normal(measured(settings, plane(0, 0, 1),
                         [](const Pixels& x) { return std::atan2(slope_x(x), slope_y(x)); }),
                0.2);
  const Pixels out = augmented(settings, plane(5, 1, 0));
  EXPECT_NEAR(std::hypot(slope_x(out), slope_y(out)), 1, 1e-5);
  EXPECT_NEAR(level(out), 5, 1e-5);
}

TEST(Augment, ScalesAndStretches) {
  AugmentSettings settings;
  settings.scale = 0.1;
  const Pixels out = augmented(settings, plane(0, 1, 1));
  EXPECT_NEAR(slope_x(out), slope_y(out), 1e-5);
  EXPECT_GT(std::abs(slope_x(out) - 1), 1e-3);
  expect_normal(
      measured(settings, plane(0, 1, 0), [](const Pixels& x) { return std::log(slope_x(x)); }),
      0.1);
  settings.scale = 0;
  settings.aspect = 0.1;
  expect_normal(
      measured(settings, plane(0, 1, 0), [](const Pixels& x) { return std::log(slope_x(x)); }),
      0.1);
  EXPECT_EQ(slope_y(augmented(settings, plane(0, 0, 1))), 1);
  settings.aspect = 0;
  settings.shear = 0.1;
  expect_normal(measured(settings, plane(0, 1, 0), slope_y), 0.1);
  EXPECT_EQ(slope_x(augmented(settings, plane(0, 1, 0))), 1);
}

TEST(Augment, BendsSmoothly) {
  AugmentSettings settings;
  settings.elastic = 0.04;
  for (const auto& [in, extent] : {std::pair{plane(0, 1, 0), 31.0}, {plane(0, 0, 1), 21.0}}) {
    double sum = 0, squares = 0, steps = 0;
    for (uint32_t slot = 0; slot < kDraws; ++slot) {
      const Pixels out = augmented(settings, in, slot);
      // A 9 x 9 block of pixels: more than two cells of the spline.
      for (size_t y = 6; y < 15; ++y) {
        for (size_t x = 11; x < 20; ++x) {
          const double bent = double{out[y * 31 + x]} - double{in[y * 31 + x]};
          const double beside = double{out[y * 31 + x + 1]} - double{in[y * 31 + x + 1]};
          sum += bent;
          squares += bent * bent;
          steps += (beside - bent) * (beside - bent);
        }
      }
    }
    const double n = 81.0 * kDraws, deviation = 0.04 * extent / 2;
    EXPECT_NEAR(sum / n, 0, 0.05 * deviation);
    EXPECT_NEAR(std::sqrt(squares / n), deviation, 0.06 * deviation);
    EXPECT_LT(std::sqrt(steps / n), 0.25 * deviation);
  }
}

TEST(Augment, BlurKeepsTheSumAndHasItsSigma) {
  AugmentSettings settings;
  settings.blur = 1;
  settings.blur_least = settings.blur_most = 1.5;
  for (float value : augmented(settings, plane(3, 0, 0))) EXPECT_NEAR(value, 3, 1e-5);
  Pixels point(kShape.size(), 0);
  point[kCentre] = 1;
  const Pixels out = augmented(settings, point);
  double sum = 0, xx = 0, yy = 0;
  for (size_t k = 0; k < out.size(); ++k) {
    const size_t column = k % 31, row = k / 31;
    const double x = static_cast<double>(column) - 15, y = static_cast<double>(row) - 10;
    sum += out[k];
    xx += x * x * out[k];
    yy += y * y * out[k];
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NEAR(xx, 1.5 * 1.5, 0.1);
  EXPECT_NEAR(yy, 1.5 * 1.5, 0.1);
  EXPECT_NEAR(out[kCentre + 1] / out[kCentre], std::exp(-1 / (2 * 1.5 * 1.5)), 1e-5);
  // Sigma 0.5 .. 1 in half of the images.
  settings = {};
  settings.blur = 0.5;
  int blurred = 0;
  for (uint32_t slot = 0; slot < kDraws; ++slot) {
    const Pixels some = augmented(settings, point, slot);
    const double ratio = some[kCentre + 1] / some[kCentre];
    if (ratio == 0) continue;
    ++blurred;
    EXPECT_GE(ratio, std::exp(-1 / (2 * 0.5 * 0.5)) - 1e-6);
    EXPECT_LE(ratio, std::exp(-1 / 2.0) + 1e-6);
  }
  EXPECT_NEAR(blurred, kDraws * 0.5, 130);
}

TEST(Augment, ToneMovesTheMiddleAndKeepsEndsAndOrder) {
  AugmentSettings settings;
  settings.tone = 0.2;
  const Pixels in = plane(1, 0.1, 0);  // -0.5 .. 2.5
  expect_normal(measured(settings, in, [](const Pixels& x) { return (level(x) - 1) / 3 * 4; }),
                0.2);
  settings.tone = 1;
  for (uint32_t slot = 0; slot < 100; ++slot) {
    const Pixels out = augmented(settings, in, slot);
    EXPECT_FLOAT_EQ(out[0], -0.5f);
    EXPECT_FLOAT_EQ(out[30], 2.5f);
    for (size_t j = 1; j < 31; ++j) EXPECT_GE(out[j], out[j - 1]);
  }
  EXPECT_EQ(augmented(settings, plane(2, 0, 0)), plane(2, 0, 0));
}

TEST(Augment, LightComesFromASide) {
  AugmentSettings settings;
  settings.light_x = 0.3;
  const Pixels none = plane(0, 0, 0);
  expect_normal(measured(settings, none, [](const Pixels& x) { return x[30]; }), 0.3);
  const Pixels out = augmented(settings, none);
  EXPECT_EQ(out[0], -out[30]);
  EXPECT_NEAR(out[kCentre], 0, 1e-6);
  EXPECT_EQ(out[5], out[20 * 31 + 5]);
  settings = {};
  settings.light_y = 0.2;
  expect_normal(measured(settings, none, [](const Pixels& x) { return x[20 * 31]; }), 0.2);
}

TEST(Augment, GainAndOffset) {
  AugmentSettings settings;
  settings.gain = 0.2;
  expect_normal(
      measured(settings, plane(3, 0, 0), [](const Pixels& x) { return level(x) / 3 - 1; }), 0.2);
  settings = {};
  settings.offset = 0.4;
  expect_normal(measured(settings, plane(3, 0, 0), [](const Pixels& x) { return level(x) - 3; }),
                0.4);
}

TEST(Augment, NoiseIsNearlyNormal) {
  AugmentSettings settings;
  settings.noise = 0.5;
  const Pixels out = augmented(settings, Pixels(100 * 100, 0.0f), 0, {100, 100});
  double sum = 0, squares = 0, fourth = 0, beside = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double x = double{out[i]} / 0.5;
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    if (i > 0) beside += x * double{out[i - 1]} / 0.5;
  }
  EXPECT_NEAR(sum / 1e4, 0, 0.04);
  EXPECT_NEAR(squares / 1e4, 1, 0.06);
  EXPECT_NEAR(fourth / 1e4, 3 - 0.3, 0.2);  // four uniform ones: 3 - 6 / 5 / 4
  EXPECT_NEAR(beside / 1e4, 0, 0.04);
}

TEST(Augment, CutoutClearsARectangle) {
  AugmentSettings settings;
  settings.cutout = 0.5;
  settings.cutout_least = 0.2;
  settings.cutout_most = 0.5;
  const Pixels in(kShape.size(), 4);
  std::set<size_t> heights, widths, tops, lefts;
  int cut = 0;
  for (uint32_t slot = 0; slot < kDraws; ++slot) {
    const Pixels out = augmented(settings, in, slot);
    size_t top = 99, left = 99, bottom = 0, right = 0, zeros = 0;
    for (size_t k = 0; k < out.size(); ++k) {
      if (out[k] != 0) {
        ASSERT_EQ(out[k], 4);
        continue;
      }
      ++zeros;
      top = std::min(top, k / 31);
      bottom = std::max(bottom, k / 31 + 1);
      left = std::min(left, k % 31);
      right = std::max(right, k % 31 + 1);
    }
    if (zeros == 0) continue;
    ++cut;
    ASSERT_EQ(zeros, (bottom - top) * (right - left));
    heights.insert(bottom - top);
    widths.insert(right - left);
    tops.insert(top);
    lefts.insert(left);
  }
  EXPECT_NEAR(cut, kDraws * 0.5, 130);
  EXPECT_EQ(*heights.begin(), 4u);
  EXPECT_EQ(*heights.rbegin(), 10u);
  EXPECT_EQ(*widths.begin(), 6u);
  EXPECT_EQ(*widths.rbegin(), 15u);
  EXPECT_EQ(*tops.begin(), 0u);
  EXPECT_EQ(*tops.rbegin(), 17u);
  EXPECT_EQ(*lefts.begin(), 0u);
  EXPECT_EQ(*lefts.rbegin(), 25u);
}

TEST(Augment, EverySettingHasItsOwnNumbers) {
  const Pixels none(kShape.size(), 0);
  for (const char* name : {"noise", "light_x", "offset"}) {
    AugmentSettings geometry = everything();
    geometry.tone = geometry.light_x = geometry.light_y = geometry.gain = geometry.offset = 0;
    geometry.noise = geometry.cutout = 0;
    json alone = augment_to_json({}), together = augment_to_json(geometry);
    alone[name] = together[name] = 0.5;
    EXPECT_EQ(augmented(augment_from_json(alone), none),
              augmented(augment_from_json(together), none))
        << name;
  }
}

TEST(Augment, IsAFunctionOfItsRandomNumbersOnEveryInstructionSet) {
  const Pixels in = noisy();
  std::set<Pixels> all;
  for (uint32_t slot = 0; slot < 50; ++slot) {
    use_simd(simd_names().front());
    const Pixels first = augmented(everything(), in, slot);
    for (float value : first) ASSERT_TRUE(std::isfinite(value));
    for (const std::string& simd : simd_names()) {
      use_simd(simd);
      ASSERT_EQ(augmented(everything(), in, slot), first) << simd;
    }
    all.insert(first);
  }
  EXPECT_EQ(all.size(), 50u);
  use_simd(simd_names().front());
}

TEST(Augment, TinyPictures) {
  for (ImageShape shape : {ImageShape{0, 0}, {0, 3}, {1, 1}, {1, 2}, {2, 1}, {3, 2}}) {
    const Pixels in(shape.size(), 1);
    for (float value : augmented(everything(), in, 3, shape)) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Augment, Json) {
  EXPECT_EQ(augment_from_json(json::object()), AugmentSettings());
  EXPECT_EQ(augment_from_json(augment_to_json(everything())), everything());
  EXPECT_EQ(augment_from_json({{"rotation", 0.08}}).rotation, 0.08);
}

TEST(Augment, RefusesWhatMakesNoSense) {
  const auto message = [](const json& json) -> std::string {
    try {
      augment_from_json(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message(1), HasSubstr("object"));
  EXPECT_THAT(message({{"rotate", 1}}), HasSubstr("\"rotate\""));
  EXPECT_THAT(message({{"flip", true}}), HasSubstr("\"flip\""));
  EXPECT_THAT(message({{"flip", 1.5}}), HasSubstr("flip"));
  EXPECT_THAT(message({{"noise", -1}}), HasSubstr("noise"));
  EXPECT_THAT(message({{"blur_least", 2}}), HasSubstr("blur_least"));
  EXPECT_THAT(message({{"cutout_most", 0.05}}), HasSubstr("cutout_least"));
  AugmentSettings settings;
  settings.shift = std::nan("");
  EXPECT_THROW(settings.check(), Error);
  Pixels five(5), six(6);
  EXPECT_THROW(augment({}, {2, 3}, five, six, Random(1, Purpose::augment)), Error);
  EXPECT_THROW(augment({}, {2, 3}, six, five, Random(1, Purpose::augment)), Error);
}

}  // namespace
}  // namespace doppel::internal
