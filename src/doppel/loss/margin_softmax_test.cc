#include "doppel/loss/margin_softmax.h"

#include <gtest/gtest.h>

#include <limits>

#include "doppel/error.h"
#include "doppel/loss/loss_check.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

using Target = std::function<double(double cosine)>;

double softmax_formula(const Rows& x, const Rows& w, const std::vector<uint32_t>& who, double scale,
                       const Target& target) {
  double loss = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double own = scale * target(cosine_between(x[i], w[who[i]]));
    double sum = std::exp(own);
    for (size_t c = 0; c < w.size(); ++c) {
      if (c != who[i]) sum += std::exp(scale * cosine_between(x[i], w[c]));
    }
    loss += std::log(sum) - own;
  }
  return loss / static_cast<double>(x.size());
}

// Class vectors of any length.
std::vector<float> class_vectors(size_t classes, size_t d, uint64_t seed) {
  std::vector<float> w(classes * d);
  Random random(seed, Purpose::sample, 1000);
  for (float& value : w) value = static_cast<float>(random.normal());
  return w;
}

TEST(MarginSoftmax, EqualTheirFormulas) {
  // Class numbers around a task's 96, batches around the 16 lanes, sizes around 16 and 24.
  const size_t shapes[][3] = {{9, 3, 6}, {16, 96, 16}, {17, 97, 5}, {5, 100, 26}};
  for (const auto& [n, classes, d] : shapes) {
    SCOPED_TRACE(testing::Message() << n << " images, " << classes << " classes, " << d);
    std::vector<uint32_t> who(n);
    for (size_t i = 0; i < n; ++i) who[i] = static_cast<uint32_t>(i * 11 % classes);
    const Matrix x = random_batch(who, d, 1, 4);
    const std::vector<float> w = class_vectors(classes, d, 5);
    expect_loss(*cosine_margin_loss(10, 0.3, d, classes), x, who, w,
                [&](const Rows& e, const Rows& v) {
                  return softmax_formula(e, v, who, 10, [](double c) { return c - 0.3; });
                });
    expect_loss(*arc_margin_loss(10, 0.4, d, classes), x, who, w,
                [&](const Rows& e, const Rows& v) {
                  return softmax_formula(e, v, who, 10, [](double c) {
                    const double angle = std::acos(c), most = std::acos(-1.0) - 0.4;
                    return angle > most ? c - 0.4 * std::sin(0.4) : std::cos(angle + 0.4);
                  });
                });
  }
}

TEST(MarginSoftmax, KnownAnswer) {
  // One class at a right angle to another; the embedding lies on the first, whatever its length.
  const std::vector<float> w = {2, 0, 0, 0.5f};
  const std::vector<uint32_t> who = {0};
  ThreadPool pool(1);
  const Matrix x = matrix_of({{7, 0}});
  EXPECT_NEAR(cosine_margin_loss(4, 0.25, 2, 2)->evaluate(x, who, w, pool).loss,
              std::log(1 + std::exp(-4 * 0.75)), 1e-6);
  EXPECT_NEAR(arc_margin_loss(4, 0.25, 2, 2)->evaluate(x, who, w, pool).loss,
              std::log(1 + std::exp(-4 * std::cos(0.25))), 1e-6);
}

TEST(ArcMargin, TheOwnClassOppositeStillPullsBack) {
  // An angle near pi, where cos(t + margin) would reward going further away.
  const std::vector<float> w = {1, 0, 0, 1};
  const Matrix x = matrix_of({{-1, 0.02f}});
  const std::vector<uint32_t> who = {0};
  expect_loss(*arc_margin_loss(5, 0.5, 2, 2), x, who, w, [&](const Rows& e, const Rows& v) {
    return softmax_formula(e, v, who, 5, [](double c) { return c - 0.5 * std::sin(0.5); });
  });
}

TEST(ArcMargin, AnEmbeddingOnItsClassVectorHasAFiniteGradient) {
  const std::vector<float> w = {1, 0, 0, 0, 1, 0};
  ThreadPool pool(1);
  const std::vector<uint32_t> who = {0, 0};
  const LossResult result =
      arc_margin_loss(64, 0.5, 3, 2)->evaluate(matrix_of({{1, 0, 0}, {1, 1e-5f, 0}}), who, w, pool);
  expect_finite(result);
  for (const float g : result.gradient.values) EXPECT_LT(std::abs(g), 64);
}

TEST(MarginSoftmax, LargeScalesNeitherOverflowNorVanish) {
  // The own class lies opposite, the other along the embedding: exp(-1000) against exp(1000).
  const std::vector<float> w = {-1, 0, 1, 0};
  ThreadPool pool(1);
  const std::vector<uint32_t> who = {0};
  const LossResult result =
      cosine_margin_loss(1000, 0.5, 2, 2)->evaluate(matrix_of({{1, 0.5f}}), who, w, pool);
  expect_finite(result);
  EXPECT_NEAR(result.loss, 2000 / std::sqrt(1.25) + 500, 1e-3);
  EXPECT_GT(std::abs(result.gradient.values[1]), 100);
}

TEST(MarginSoftmax, ZeroVectorsAreAtARightAngleToEverything) {
  const std::vector<float> w = {0, 0, 1, 0, 0, 2};
  ThreadPool pool(1);
  const std::vector<uint32_t> who = {0, 1};
  for (const auto& loss : {cosine_margin_loss(3, 0, 2, 3), arc_margin_loss(3, 0, 2, 3)}) {
    const LossResult result = loss->evaluate(matrix_of({{0, 0}, {0, 0}}), who, w, pool);
    expect_finite(result);
    EXPECT_NEAR(result.loss, std::log(3), 1e-6);
    for (const float g : result.gradient.values) EXPECT_EQ(g, 0);
    for (const float g : result.parameter_gradient) EXPECT_EQ(g, 0);
  }
}

TEST(MarginSoftmax, ParametersBeginAsUnitVectorsOfASeed) {
  const auto loss = cosine_margin_loss(16, 0.2, 20, 50);
  ASSERT_EQ(loss->parameter_count(), 1000u);
  const std::vector<float> w = loss->initial_parameters(3);
  const Rows rows = rows_of(w, 20);
  ASSERT_EQ(rows.size(), 50u);
  double mean_cosine = 0;
  for (size_t c = 0; c < 50; ++c) {
    EXPECT_NEAR(dot(rows[c], rows[c]), 1, 1e-6);
    if (c > 0) mean_cosine += cosine_between(rows[0], rows[c]) / 49;
  }
  EXPECT_LT(std::abs(mean_cosine), 0.15);
  EXPECT_EQ(w, loss->initial_parameters(3));
  EXPECT_NE(w, loss->initial_parameters(4));
}

TEST(MarginSoftmax, WhatDoesNotFitIsRefused) {
  const auto loss = cosine_margin_loss(16, 0.2, 4, 3);
  const std::vector<float> w(12, 1);
  ThreadPool pool(1);
  const std::vector<uint32_t> two = {0, 2}, beyond = {0, 3};
  EXPECT_EQ(loss->evaluate(Matrix(0, 4), {}, w, pool).loss, 0);
  EXPECT_THROW(loss->evaluate(Matrix(2, 4), beyond, w, pool), Error);
  EXPECT_THROW(loss->evaluate(Matrix(2, 5), two, w, pool), Error);
  EXPECT_THROW(loss->evaluate(Matrix(3, 4), two, w, pool), Error);
  EXPECT_THROW(loss->evaluate(Matrix(2, 4), two, std::span(w).first(11), pool), Error);
}

TEST(MarginSoftmax, InstructionSetsWithFusedMultiplyAddGiveEqualBits) {
  const std::vector<uint32_t> who = people(7, 3);
  const Matrix x = random_batch(who, 30, 1, 4);
  const auto loss = arc_margin_loss(16, 0.2, 30, 150);
  const std::vector<float> w = loss->initial_parameters(1);
  ThreadPool pool(2);
  std::vector<LossResult> results;
  for (const std::string& simd : simd_names()) {
    if (simd.find("AVX") == std::string::npos && simd != "NEON") continue;
    use_simd(simd);
    results.push_back(loss->evaluate(x, who, w, pool));
    EXPECT_EQ(results.front().gradient.values, results.back().gradient.values) << simd;
    EXPECT_EQ(results.front().parameter_gradient, results.back().parameter_gradient) << simd;
  }
  use_simd(simd_names().front());
}

TEST(ExpOfNegative, IsTheExponentialToTwoUnitsOfTheLastPlace) {
  std::vector<float> x;
  for (int i = 0; i <= 870000; ++i) x.push_back(-static_cast<float>(i) * 1e-4f);
  std::vector<float> y = x;
  exp_of_negative(y.data(), y.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(double{x[i]});
    worst = std::max(worst, std::abs(double{y[i]} - exact) / exact);
  }
  EXPECT_LT(worst, 2 * std::numeric_limits<float>::epsilon());
  EXPECT_EQ(y[0], 1);
  float low[3] = {-88, -1e30f, -std::numeric_limits<float>::infinity()};
  exp_of_negative(low, 3);
  for (const float value : low) {
    EXPECT_GT(value, 0);
    EXPECT_LT(value, 2e-38f);
  }
}

}  // namespace
}  // namespace doppel::internal
