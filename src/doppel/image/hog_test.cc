#include "doppel/image/hog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::Each;
using testing::HasSubstr;

std::vector<float> histograms(const HogSettings& settings, ImageShape shape,
                              const std::vector<float>& in) {
  const Hog make(settings, shape);
  std::vector<float> out(make.size());
  make.make(in, out);
  return out;
}

// grey = x cos(angle) + y sin(angle): one gradient everywhere.
std::vector<float> slope(ImageShape shape, double angle) {
  std::vector<float> in;
  for (size_t y = 0; y < shape.height; ++y) {
    for (size_t x = 0; x < shape.width; ++x) {
      in.push_back(static_cast<float>(static_cast<double>(x) * std::cos(angle) +
                                      static_cast<double>(y) * std::sin(angle)));
    }
  }
  return in;
}

std::vector<float> noise_of(ImageShape shape, uint64_t seed) {
  Random random(seed, Purpose::sample);
  std::vector<float> in(shape.size());
  for (float& v : in) v = static_cast<float>(random.uniform(-1, 1));
  return in;
}

double length(const std::vector<float>& values) {
  double squares = 0;
  for (const float v : values) squares += double{v} * v;
  return std::sqrt(squares);
}

TEST(Hog, HasACellForEveryCentreInside) {
  EXPECT_EQ(Hog({10, 8}, {56, 46}).size(), 6u * 5 * 8);
  EXPECT_EQ(Hog({12, 12}, {56, 46}).size(), 5u * 4 * 12);
  EXPECT_EQ(Hog({4, 3}, {3, 7}).size(), 1u * 2 * 3);
}

TEST(Hog, ARampIsOneDirection) {
  constexpr double kTurn = 2 * std::numbers::pi;
  const ImageShape shape{9, 11};
  for (size_t bin = 0; bin < 8; ++bin) {
    const std::vector<float> out =
        histograms({4, 8}, shape, slope(shape, kTurn * static_cast<double>(bin) / 8));
    for (size_t i = 0; i < out.size(); ++i) {
      // All cells are equally strong up to the border, where some of a Gaussian lies outside.
      if (i % 8 == bin) {
        EXPECT_GT(out[i], 0.5 / std::sqrt(out.size() / 8)) << bin;
      } else {
        EXPECT_NEAR(out[i], 0, 1e-3) << bin;
      }
    }
  }
  // Between two of them it is shared, here three to one.
  const std::vector<float> between = histograms({4, 8}, shape, slope(shape, kTurn * 2.25 / 8));
  EXPECT_NEAR(between[3] / between[2], 1.0 / 3, 1e-4);
}

// By the formula, in double precision and without any of the code's order.
TEST(Hog, EqualTheDefinition) {
  const ImageShape shape{7, 9};
  const size_t cell = 4, bins = 5, down = 2, across = 2;  // centres 2 and 6 in both axes
  const std::vector<float> in = noise_of(shape, 1);
  const auto at = [&](size_t y, size_t x) { return double{in[y * shape.width + x]}; };
  std::vector<double> expected(down * across * bins, 0);
  for (size_t y = 0; y < shape.height; ++y) {
    for (size_t x = 0; x < shape.width; ++x) {
      const size_t l = x == 0 ? 0 : x - 1, r = std::min(x + 1, shape.width - 1);
      const size_t u = y == 0 ? 0 : y - 1, d = std::min(y + 1, shape.height - 1);
      const double gx = (at(y, r) - at(y, l)) / static_cast<double>(r - l);
      const double gy = (at(d, x) - at(u, x)) / static_cast<double>(d - u);
      double turn = std::atan2(gy, gx) / (2 * std::numbers::pi);
      turn -= std::floor(turn);
      for (size_t b = 0; b < bins; ++b) {
        const double away = std::abs(turn * bins - static_cast<double>(b));
        const double share = std::max(0.0, 1 - std::min(away, bins - away));
        for (size_t c = 0; c < down * across; ++c) {
          const double dy = (static_cast<double>(y) - 2 - 4 * static_cast<double>(c / across)) / 2;
          const double dx = (static_cast<double>(x) - 2 - 4 * static_cast<double>(c % across)) / 2;
          if (std::abs(dy) > 3 || std::abs(dx) > 3) continue;
          expected[c * bins + b] += share * std::hypot(gx, gy) * std::exp(-(dx * dx + dy * dy) / 2);
        }
      }
    }
  }
  std::vector<double> lengths;
  double mean = 0, all = 0;
  for (size_t c = 0; c < down * across; ++c) {
    double squares = 0;
    for (size_t b = 0; b < bins; ++b) squares += std::pow(expected[c * bins + b], 2);
    lengths.push_back(std::sqrt(squares));
    mean += lengths.back() / static_cast<double>(down * across);
  }
  for (size_t i = 0; i < expected.size(); ++i) expected[i] /= lengths[i / bins] + mean / 2;
  for (const double v : expected) all += v * v;
  const std::vector<float> out = histograms({cell, bins}, shape, in);
  ASSERT_EQ(out.size(), expected.size());
  for (size_t i = 0; i < out.size(); ++i) {
    EXPECT_NEAR(out[i], expected[i] / std::sqrt(all), 1e-6) << i;
  }
}

TEST(Hog, BrightnessAndContrastDoNotCount) {
  const ImageShape shape{16, 13};
  const std::vector<float> in = noise_of(shape, 2);
  std::vector<float> other = in;
  for (float& v : other) v = 3 * v + 0.5f;
  const std::vector<float> a = histograms({6, 8}, shape, in), b = histograms({6, 8}, shape, other);
  EXPECT_NEAR(length(a), 1, 1e-6);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
  for (float& v : other) v = -v;  // but its sign does: every direction turns round
  const std::vector<float> c = histograms({6, 8}, shape, other);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], c[i / 8 * 8 + (i + 4) % 8], 1e-5);
}

TEST(Hog, OneGreyHasNone) {
  EXPECT_THAT(histograms({2, 8}, {4, 4}, std::vector<float>(16, 0.3f)), Each(0.0f));
}

TEST(Hog, WhatMakesNoSenseIsRefused) {
  const auto refusal = [](const HogSettings& settings, ImageShape shape) {
    try {
      histograms(settings, shape, std::vector<float>(shape.size()));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal({1, 8}, {9, 9}), HasSubstr("not 1"));
  EXPECT_THAT(refusal({65, 8}, {99, 99}), HasSubstr("not 65"));
  EXPECT_THAT(refusal({8, 1}, {9, 9}), HasSubstr("bins"));
  EXPECT_THAT(refusal({8, 37}, {9, 9}), HasSubstr("not 37"));
  EXPECT_THAT(refusal({8, 8}, {9, 4}), HasSubstr("4 x 9"));
  EXPECT_EQ(refusal({8, 8}, {9, 5}), "accepted");
  std::vector<float> out(3);
  EXPECT_THROW(Hog({4, 3}, {8, 8}).make(std::vector<float>(63), out), Error);
}

}  // namespace
}  // namespace doppel::internal
