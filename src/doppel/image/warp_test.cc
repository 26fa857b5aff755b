#include "doppel/image/warp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;

const ImageShape kShapes[] = {{1, 1}, {1, 5}, {5, 1}, {2, 2}, {3, 7}, {8, 16}, {5, 17}, {56, 46}};

std::vector<float> noise(size_t size, uint32_t stream = 0) {
  Random random(1, Purpose::sample, stream);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.uniform(-2, 2));
  return values;
}

std::vector<float> warped(ImageShape shape, const std::vector<float>& in, const Affine& affine,
                          const std::vector<float>& displacement = {}) {
  std::vector<float> out(in.size(), 99);
  warp(shape, in, affine, displacement, out);
  return out;
}

// As the header has it, pixel by pixel: the value at x, y in pixels from the upper left centre.
double sample(ImageShape shape, const std::vector<float>& in, double x, double y) {
  const auto pixel = [&](double column, double row) {
    const double c = std::clamp(column, 0.0, static_cast<double>(shape.width - 1));
    const double r = std::clamp(row, 0.0, static_cast<double>(shape.height - 1));
    return double{in[static_cast<size_t>(r) * shape.width + static_cast<size_t>(c)]};
  };
  x = std::clamp(x, 0.0, static_cast<double>(shape.width - 1));
  y = std::clamp(y, 0.0, static_cast<double>(shape.height - 1));
  const double x0 = std::floor(x), y0 = std::floor(y), fx = x - x0, fy = y - y0;
  return (1 - fy) * ((1 - fx) * pixel(x0, y0) + fx * pixel(x0 + 1, y0)) +
         fy * ((1 - fx) * pixel(x0, y0 + 1) + fx * pixel(x0 + 1, y0 + 1));
}

TEST(Warp, IdentityAndMirrorsAreExact) {
  for (const ImageShape& shape : kShapes) {
    const std::vector<float> in = noise(shape.size());
    for (const std::string& simd : simd_names()) {
      use_simd(simd);
      EXPECT_EQ(warped(shape, in, {}), in);
      std::vector<float> flipped(in.size()), turned(in.rbegin(), in.rend());
      mirror(shape, in, flipped);
      Affine flip;
      flip.xx = -1;
      EXPECT_EQ(warped(shape, in, flip), flipped) << simd << " " << shape.width;
      flip.yy = -1;
      EXPECT_EQ(warped(shape, in, flip), turned) << simd << " " << shape.width;
    }
  }
  use_simd(simd_names().front());
}

TEST(Warp, MirrorReversesRows) {
  std::vector<float> out(6);
  mirror({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}, out);
  EXPECT_THAT(out, ElementsAre(3, 2, 1, 6, 5, 4));
}

TEST(Warp, ShiftsRepeatTheBorder) {
  const ImageShape shape{2, 3};
  const std::vector<float> in = {1, 2, 4, 8, 16, 32};
  EXPECT_THAT(warped(shape, in, {1, 0, 1, 0, 1, 0}), ElementsAre(2, 4, 4, 16, 32, 32));
  EXPECT_THAT(warped(shape, in, {1, 0, -0.5, 0, 1, 0}), ElementsAre(1, 1.5, 3, 8, 12, 24));
  EXPECT_THAT(warped(shape, in, {1, 0, 0, 0, 1, -1}), ElementsAre(1, 2, 4, 1, 2, 4));
  EXPECT_THAT(warped(shape, in, {1, 0, 1e6, 0, 1, -1e6}), ElementsAre(4, 4, 4, 4, 4, 4));
}

TEST(Warp, ScalesAboutTheCentre) {
  const std::vector<float> in = {0, 1, 2, 3, 4};
  EXPECT_THAT(warped({1, 5}, in, {0.5, 0, 0, 0, 0.5, 0}), ElementsAre(1, 1.5, 2, 2.5, 3));
  EXPECT_THAT(warped({1, 5}, in, {2, 0, 0, 0, 2, 0}), ElementsAre(0, 0, 2, 4, 4));
}

TEST(Warp, AQuarterTurn) {
  const std::vector<float> in = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_THAT(warped({3, 3}, in, {0, -1, 0, 1, 0, 0}), ElementsAre(3, 6, 9, 2, 5, 8, 1, 4, 7));
}

TEST(Warp, EqualsASampleForEachPixelInDoublePrecision) {
  Random random(2, Purpose::sample);
  const auto draw = [&](double middle) { return middle + random.uniform(-0.4, 0.4); };
  for (const ImageShape& shape : kShapes) {
    const std::vector<float> in = noise(shape.size());
    for (int trial = 0; trial < 6; ++trial) {
      const Affine a = {draw(1), draw(0), draw(0) * 5, draw(0), draw(1), draw(0) * 5};
      std::vector<float> displacement;
      if (trial % 2 == 1) displacement = noise(2 * shape.size(), 1);
      std::vector<float> first;
      for (const std::string& simd : simd_names()) {
        use_simd(simd);
        const std::vector<float> out = warped(shape, in, a, displacement);
        for (size_t k = 0; k < out.size(); ++k) {
          const double cx = (static_cast<double>(shape.width) - 1) / 2;
          const double cy = (static_cast<double>(shape.height) - 1) / 2;
          const size_t column = k % shape.width, row = k / shape.width;
          const double x = static_cast<double>(column) - cx;
          const double y = static_cast<double>(row) - cy;
          double from_x = cx + a.xx * x + a.xy * y + a.shift_x;
          double from_y = cy + a.yx * x + a.yy * y + a.shift_y;
          if (!displacement.empty()) {
            from_x += displacement[k];
            from_y += displacement[k + shape.size()];
          }
          ASSERT_NEAR(out[k], sample(shape, in, from_x, from_y), 1e-4)
              << simd << " " << shape.height << "x" << shape.width << " " << k;
        }
        if (first.empty()) first = out;
        ASSERT_EQ(out, first) << simd;
      }
    }
  }
  use_simd(simd_names().front());
}

TEST(Warp, RefusesOtherSizes) {
  std::vector<float> six(6), five(5);
  EXPECT_THROW(warp({2, 3}, five, {}, {}, six), Error);
  EXPECT_THROW(warp({2, 3}, six, {}, {}, five), Error);
  EXPECT_THROW(warp({2, 3}, six, {}, six, six), Error);
  EXPECT_THROW(mirror({2, 3}, five, six), Error);
  EXPECT_THROW(mirror({2, 3}, six, five), Error);
}

}  // namespace
}  // namespace doppel::internal
