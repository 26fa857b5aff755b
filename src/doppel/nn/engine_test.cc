// The engine against the reference: forward values, and gradients against central differences of
// the reference in double precision; on every instruction set of this CPU, on several threads.
#include "doppel/nn/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/nn/reference.h"
#include "doppel/nn/simd.h"
#include "doppel/nn/winograd.h"

namespace doppel::internal {
namespace {

struct Case {
  std::string name;
  Network network;
  bool winograd = false;  // wide enough for Winograd's filtering
};

// How much more than a plain sum of the same products Winograd's filtering rounds, by its matrices
// (A, B and G of winograd.h's points 0, a, -a, b, -b, infinity; all of an axis' 3 weights equally
// large, as all its values): the root of sum_p A_p^2 (sum G_p^2) (sum B_p^2) / 3 of a block's outer
// values, once for each axis.
double winograd_rounding() {
  const double points[5] = {0, kWinogradA, -kWinogradA, kWinogradB, -kWinogradB};
  double sum = 0;
  for (const double p : points) {
    // B_p holds the coefficients of the polynomial prod (x - q) over the other finite points q.
    std::vector<double> b = {1};
    double distance = 1;
    for (const double q : points) {
      if (q == p) continue;
      b.push_back(0);
      for (size_t i = b.size() - 1; i > 0; --i) b[i] = b[i - 1] - q * b[i];
      b[0] *= -q;
      distance *= p - q;
    }
    double bb = 0;
    for (const double coefficient : b) bb += coefficient * coefficient;
    const double gg = (1 + p * p + p * p * p * p) / (distance * distance);
    sum += gg * bb;  // A of a block's first value is 1 at every finite point
  }
  return sum / 3;
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// Sizes around the blocks of the kernels: one, odd, not a multiple, larger than a block.
std::vector<Case> cases() {
  return {
      {"conv_valid", {{1, 5, 6}, {Conv{1, 3}}}},
      {"conv_1x1", {{3, 4, 5}, {Conv{5, 1}}}},
      {"conv_5x5_channels", {{3, 9, 12}, {Conv{7, 5}}}},
      {"conv_same", {{2, 6, 11}, {Conv{6, 3, 1}}}},
      {"conv_same_5x5", {{2, 4, 3}, {Conv{3, 5, 2}}}},
      {"conv_even_kernel", {{2, 6, 7}, {Conv{4, 4}}}},
      {"conv_conv", {{1, 9, 8}, {Conv{4, 3}, Relu{}, Conv{3, 3}, Relu{}}}},
      {"fused_smallest", {{1, 4, 4}, {Conv{1, 3}, Relu{}, MaxPool{2}}}},
      {"fused", {{2, 8, 10}, {Conv{6, 3}, Relu{}, MaxPool{2}}}},
      {"fused_odd", {{1, 7, 9}, {Conv{5, 3}, Relu{}, MaxPool{2}}}},
      {"fused_same", {{4, 6, 7}, {Conv{7, 3, 1}, Relu{}, MaxPool{2}}}},
      {"fused_dropout", {{2, 8, 8}, {Conv{4, 3}, Relu{}, MaxPool{2}, Dropout{0.25}}}},
      {"fused_twice",
       {{1, 14, 12},
        {Conv{3, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{4, 3}, Relu{}, MaxPool{2}}}},
      {"relu", {{3, 2, 2}, {Relu{}}}},
      {"dropout", {{3, 5, 3}, {Dropout{0.4}}}},
      {"relu_dropout", {{17, 1, 1}, {Relu{}, Dropout{0.1}}}},
      {"dropout_relu", {{9, 1, 1}, {Dropout{0.1}, Relu{}}}},
      {"pool_2", {{2, 5, 6}, {MaxPool{2}}}},
      {"pool_3", {{2, 7, 6}, {MaxPool{3}}}},
      {"dense", {{7, 1, 1}, {Dense{5}}}},
      {"dense_one", {{1, 1, 1}, {Dense{1}}}},
      {"dense_large", {{150, 1, 1}, {Dense{13}, Relu{}, Dropout{0.2}, Dense{9}}}},
      {"dense_dropout", {{20, 1, 1}, {Dense{18}, Dropout{0.3}}}},
      {"flatten", {{2, 3, 3}, {Flatten{}}}},
      {"tutorial_small",
       {{1, 18, 16},
        {Conv{6, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{12, 3}, Relu{}, MaxPool{2},
         Dropout{0.25}, Flatten{}, Dense{20}, Relu{}, Dropout{0.1}, Dense{10}, Relu{}}}},
      {"conv_wide", {{9, 7, 8}, {Conv{10, 3, 1, 1, false}}}, true},
      {"conv_winograd", {{16, 9, 7}, {Conv{18, 3, 1}}}, true},
      {"conv_valid_winograd", {{17, 8, 9}, {Conv{16, 3, 0, 1, false}}}, true},
      {"conv_strided", {{2, 9, 8}, {Conv{5, 3, 1, 2}}}},
      {"conv_strided_valid", {{3, 8, 11}, {Conv{4, 5, 0, 3, false}, Relu{}}}},
      {"relu6", {{3, 5, 4}, {Conv{6, 3, 1}, Relu6{}, BatchNorm{}, Relu6{}, Dropout{0.2}}}},
      {"relu6_above_six", {{400, 1, 1}, {Dense{9}, Relu6{}}}},
      {"conv_strided_wide", {{9, 11, 9}, {Conv{18, 3, 1, 2}, Relu{}}}},
      {"conv_strided_7x7", {{3, 17, 14}, {Conv{6, 7, 3, 2}}}},
      {"conv_strided_1x1", {{5, 7, 6}, {Conv{4, 1, 0, 2, false}}}},
      {"conv_strided_even", {{2, 9, 10}, {Conv{3, 4, 1, 3}}}},
      {"conv_stride_above_kernel", {{2, 10, 9}, {Conv{5, 2, 0, 4}}}},
      {"conv_strided_twice", {{2, 12, 13}, {Conv{4, 5, 2, 2}, Relu{}, Conv{6, 3, 1, 2}}}},
      {"conv_padding_2", {{2, 4, 5}, {Conv{3, 3, 2}}}},
      {"relu_pool_odd", {{2, 5, 7}, {Relu{}, MaxPool{2}}}},
      {"conv_wide_relu_pool", {{9, 6, 7}, {Conv{10, 3, 1}, Relu{}, MaxPool{2}}}},
      {"norm", {{3, 4, 5}, {BatchNorm{}}}},
      {"norm_relu", {{3, 4, 5}, {BatchNorm{}, Relu{}}}},
      {"norm_pool_odd", {{2, 5, 7}, {BatchNorm{}, MaxPool{2}}}},
      {"norm_relu_pool", {{2, 6, 5}, {Conv{4, 3, 1, 1, false}, BatchNorm{}, Relu{}, MaxPool{2}}}},
      {"norm_flat", {{9, 1, 1}, {Dense{7, false}, BatchNorm{}}}},
      {"norm_twice", {{2, 3, 4}, {BatchNorm{}, Conv{3, 3, 1}, BatchNorm{}, Relu{}}}},
      {"residual",
       {{3, 4, 5},
        {Conv{4, 3, 1}, BatchNorm{}, Relu{}, Conv{4, 3, 1}, BatchNorm{}, Relu{}, Conv{4, 3, 1},
         BatchNorm{}, Add{5}, Relu{}, MaxPool{2}}}},
      {"residual_plain", {{2, 4, 4}, {Conv{2, 3, 1}, Relu{}, Conv{2, 3, 1}, Add{3}, Relu{}}}},
      // Two shortcuts from one value, one of them over a pool's output, and one inside another.
      {"shortcuts_from_one_value",
       {{3, 4, 4},
        {Conv{2, 1}, MaxPool{2}, Conv{2, 3, 1}, Add{1}, Relu{}, Conv{2, 3, 1}, Add{2}, Add{5},
         Dropout{0.2}}}},
      {"shortcut_from_before_the_relu",
       {{2, 4, 4}, {Conv{2, 3, 1}, BatchNorm{}, Relu{}, Conv{2, 1}, Add{2}, MaxPool{2}}}},
      {"shortcut_of_the_images", {{4, 3, 3}, {Relu{}, Add{1}}}},
      {"average", {{3, 4, 5}, {Conv{6, 3}, GlobalAveragePool{}, Dense{5}}}},
      {"unit_length", {{7, 1, 1}, {Dense{5}, L2Normalize{}}}},
      {"dense_without_bias", {{7, 1, 1}, {Dense{70, false}, Relu{}, Dense{3, false}}}},
      {"faces_small",
       {{1, 12, 10},
        {Conv{4, 3, 1, 1, false}, BatchNorm{}, Relu{}, MaxPool{2}, Conv{6, 3, 1, 1, false},
         BatchNorm{}, Relu{}, Conv{6, 3, 1, 1, false}, BatchNorm{}, Add{4}, Relu{}, MaxPool{2},
         Flatten{}, Dropout{0.3}, Dense{8, false}, BatchNorm{}, L2Normalize{}}}},
      {"unfused_order",
       {{1, 10, 10}, {Conv{4, 3}, MaxPool{2}, Relu{}, Flatten{}, Dense{6}, Dropout{0.5}}}},
  };
}

// Random parameters (biases too) and images, in both precisions.
struct Inputs {
  std::vector<float> parameters;
  std::vector<std::vector<float>> images;
  std::vector<const float*> pointers;

  Inputs(const Network& network, size_t count) {
    Random random(5, Purpose::sample);
    parameters.resize(parameter_count(network));
    for (float& p : parameters) p = static_cast<float>(random.uniform(-0.5, 0.5));
    for (const Tensor& tensor : parameter_tensors(network)) {
      if (!tensor.name.ends_with(".running_var")) continue;
      for (size_t i = 0; i < tensor.size; ++i) parameters[tensor.offset + i] += 1;
    }
    for (size_t i = 0; i < count; ++i) {
      images.emplace_back(network.input.size());
      for (float& v : images.back()) v = static_cast<float>(random.uniform(-1, 1));
    }
    for (const auto& image : images) pointers.push_back(image.data());
  }
};

std::vector<double> widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

reference::Batch widen(const std::vector<std::vector<float>>& images) {
  reference::Batch batch;
  for (const auto& image : images) batch.push_back(widen(image));
  return batch;
}

bool normalises(const Network& network) {
  return std::ranges::any_of(
      network.layers, [](const Layer& layer) { return std::holds_alternative<BatchNorm>(layer); });
}

class EngineOn : public testing::TestWithParam<std::tuple<std::string, Case>> {
 protected:
  void SetUp() override { use_simd(std::get<0>(GetParam())); }
  void TearDown() override { use_simd(simd_names().front()); }
  const Network& network() const { return std::get<1>(GetParam()).network; }
};

TEST_P(EngineOn, ForwardEqualsTheReference) {
  ThreadPool pool(2);
  Engine engine(network(), pool);
  const double rounding = std::get<1>(GetParam()).winograd ? winograd_rounding() : 1;
  for (size_t count : {1u, 16u, 17u, 70u}) {
    const Inputs in(network(), count);
    const DropoutSeed dropout{11, 3};
    const Matrix plain = engine.embed(in.parameters, in.pointers);
    const Matrix trained = engine.forward(in.parameters, in.pointers, &dropout);
    ASSERT_EQ(plain.rows, count);
    const auto parameters = widen(in.parameters);
    const auto expected =
        reference::embed(network(), parameters, widen(in.images), 0, nullptr, false);
    const auto dropped =
        reference::embed(network(), parameters, widen(in.images), 0, &dropout, true);
    for (size_t i = 0; i < count; i += 7) {
      for (size_t k = 0; k < expected[i].size(); ++k) {
        ASSERT_NEAR(plain.row(i)[k], expected[i][k],
                    rounding * 2e-6 * (1 + std::abs(expected[i][k])));
        if (count == 1 && normalises(network())) continue;  // the batch has no variance
        ASSERT_NEAR(trained.row(i)[k], dropped[i][k],
                    rounding * 4e-6 * (1 + std::abs(dropped[i][k])));
      }
    }
  }
}

// The loss here is a weighted sum of all embeddings, so its gradient by them is the weights.
TEST_P(EngineOn, GradientsEqualCentralDifferences) {
  ThreadPool pool(2);
  Engine engine(network(), pool);
  const size_t count = 19;
  const Inputs in(network(), count);
  const DropoutSeed dropout{11, 3};
  Matrix weights(count, embedding_size(network()));
  Random random(6, Purpose::sample);
  for (float& w : weights.values) w = static_cast<float>(random.uniform(-1, 1));

  engine.forward(in.parameters, in.pointers, &dropout);
  const float never = std::numeric_limits<float>::infinity();  // what was not written shows
  std::vector<float> gradient(in.parameters.size(), never);
  Matrix image_gradient;
  engine.backward(in.parameters, weights, gradient, &image_gradient);

  // Images do not touch each other unless the network normalises over them.
  const bool together = normalises(network());
  const auto loss = [&](const std::vector<double>& parameters, const reference::Batch& images,
                        size_t first) {
    const auto embeddings =
        reference::embed(network(), parameters, images, first, &dropout, together);
    double sum = 0;
    for (size_t i = 0; i < images.size(); ++i) {
      for (size_t k = 0; k < weights.columns; ++k) {
        sum += weights.row(first + i)[k] * embeddings[i][k];
      }
    }
    return sum;
  };
  reference::Batch images = widen(in.images);
  // At a kink (ReLU, the pool's choice) the one-sided differences disagree and there is no answer
  // to compare with; there must be few such places.
  size_t compared = 0, kinks = 0;
  const auto compare = [&](double value, auto&& function, double got, const std::string& where) {
    const double h = 1e-6, up = function(value + h), down = function(value - h),
                 middle = function(value);
    if (std::abs((up - middle) - (middle - down)) > 1e-9) {
      ++kinks;
      return;
    }
    ++compared;
    const double expected = (up - down) / (2 * h);
    EXPECT_NEAR(got, expected, 2e-5 * (1 + std::abs(expected))) << where;
  };
  std::vector<double> parameters = widen(in.parameters);
  // About 60 parameters in even steps, and the last ones, which are biases.
  std::vector<size_t> chosen;
  for (size_t p = 0; p < parameters.size(); p += parameters.size() / 60 + 1) chosen.push_back(p);
  for (size_t back = 1; back <= std::min<size_t>(8, parameters.size()); ++back) {
    chosen.push_back(parameters.size() - back);
  }
  for (size_t p : chosen) {
    const double value = parameters[p];
    compare(
        value,
        [&](double changed) {
          parameters[p] = changed;
          const double result = loss(parameters, images, 0);
          parameters[p] = value;
          return result;
        },
        gradient[p], "parameter " + std::to_string(p));
  }
  for (float g : gradient) ASSERT_TRUE(std::isfinite(g));
  for (size_t i : {size_t{0}, size_t{5}, count - 1}) {
    for (size_t v = 0; v < images[i].size(); ++v) {
      const double value = images[i][v];
      compare(
          value,
          [&](double changed) {
            images[i][v] = changed;
            const double result =
                together ? loss(parameters, images, 0) : loss(parameters, {images[i]}, i);
            images[i][v] = value;
            return result;
          },
          image_gradient.row(i)[v], "image " + std::to_string(i) + " value " + std::to_string(v));
    }
  }
  EXPECT_LE(kinks, compared / 50);
  EXPECT_GT(compared, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, EngineOn,
                         testing::Combine(testing::ValuesIn(simd_names()),
                                          testing::ValuesIn(cases())),
                         [](const auto& info) {
                           std::string name =
                               std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
                           std::erase(name, '-');
                           return name;
                         });

// Bytes of embeddings and gradients, to be compared between threads and instruction sets.
std::vector<float> results(const Network& network, int threads) {
  ThreadPool pool(threads);
  Engine engine(network, pool);
  const Inputs in(network, 150);
  const DropoutSeed dropout{1, 2};
  Matrix embeddings = engine.forward(in.parameters, in.pointers, &dropout);
  std::vector<float> all = embeddings.values;
  std::vector<float> gradient(in.parameters.size());
  Matrix images;
  engine.backward(in.parameters, embeddings, gradient, &images);
  all.insert(all.end(), gradient.begin(), gradient.end());
  all.insert(all.end(), images.values.begin(), images.values.end());
  const Matrix plain = engine.embed(in.parameters, in.pointers);
  all.insert(all.end(), plain.values.begin(), plain.values.end());
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Engine, ThreadsDoNotChangeABit) {
  for (const std::string& simd : simd_names()) {
    use_simd(simd);
    for (const Case& c : cases()) {
      const auto one = results(c.network, 1);
      for (int threads : {2, 3, 7}) {
        EXPECT_TRUE(same_bits(one, results(c.network, threads))) << simd << " " << c.name;
      }
    }
  }
  use_simd(simd_names().front());
}

TEST(Engine, InstructionSetsWithFusedMultiplyAddGiveEqualBits) {
  std::vector<std::string> names = simd_names();
  names.pop_back();  // plain: multiplies, then adds
  if (names.size() < 2) GTEST_SKIP() << "this CPU has one such instruction set";
  for (const Case& c : cases()) {
    use_simd(names[0]);
    const auto best = results(c.network, 2);
    for (size_t i = 1; i < names.size(); ++i) {
      use_simd(names[i]);
      EXPECT_TRUE(same_bits(best, results(c.network, 2))) << names[i] << " " << c.name;
    }
  }
  use_simd(names[0]);
}

TEST(Engine, WrongSizesAreRefused) {
  ThreadPool pool(1);
  Engine engine({{4, 1, 1}, {Dense{2}}}, pool);
  const Inputs in(engine.network(), 3);
  EXPECT_THROW(engine.embed(std::vector<float>(9), in.pointers), Error);
  engine.forward(in.parameters, in.pointers, nullptr);
  std::vector<float> gradient(10);
  EXPECT_THROW(engine.backward(in.parameters, Matrix(2, 2), gradient), Error);
  EXPECT_THROW(engine.backward(in.parameters, Matrix(3, 3), gradient), Error);
  EXPECT_NO_THROW(engine.backward(in.parameters, Matrix(3, 2), gradient));
}

TEST(Engine, ABatchMayShrinkAndGrow) {
  ThreadPool pool(2);
  const Network network{{1, 8, 8}, {Conv{3, 3}, Relu{}, MaxPool{2}, Flatten{}, Dense{4}}};
  Engine engine(network, pool);
  std::vector<float> gradient(parameter_count(network)), expected(gradient.size());
  for (size_t count : {200u, 3u, 90u, 1u}) {
    const Inputs in(network, count);
    Engine fresh(network, pool);
    engine.backward(in.parameters, engine.forward(in.parameters, in.pointers, nullptr), gradient);
    fresh.backward(in.parameters, fresh.forward(in.parameters, in.pointers, nullptr), expected);
    EXPECT_TRUE(same_bits(gradient, expected)) << count;
  }
}

// Of 300 x 400 values a share of 1 - rate stays, scaled so that the mean stays, anew in every step,
// slot and layer.
TEST(Engine, DropoutKeepsItsShareAndItsMean) {
  ThreadPool pool(1);
  const Network network{{400, 1, 1}, {Dropout{0.25}, Dropout{0.1}}};
  Engine engine(network, pool);
  std::vector<std::vector<float>> images(300, std::vector<float>(400, 1.0f));
  std::vector<const float*> pointers;
  for (const auto& image : images) pointers.push_back(image.data());
  const auto run = [&](DropoutSeed seed) { return engine.forward({}, pointers, &seed).values; };
  const auto values = run({1, 1});
  size_t kept = 0;
  double sum = 0;
  for (float v : values) kept += v != 0, sum += v;
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(static_cast<double>(kept) / n, 0.675, 4.5 * std::sqrt(0.675 * 0.325 / n));
  EXPECT_NEAR(sum / n, 1, 4.5 * std::sqrt(0.325 / 0.675 / n));
  // Two steps, and two images of one step, agree no more often than chance has it.
  const auto agreement = [&](auto&& a, auto&& b) {
    size_t equal = 0;
    for (size_t i = 0; i < a.size(); ++i) equal += (a[i] != 0) == (b[i] != 0);
    return static_cast<double>(equal) / static_cast<double>(a.size());
  };
  const double chance = 0.675 * 0.675 + 0.325 * 0.325;
  EXPECT_NEAR(agreement(values, run({1, 2})), chance, 0.01);
  EXPECT_NEAR(agreement(values, run({2, 1})), chance, 0.01);
  const std::span<const float> all(values);
  EXPECT_NEAR(agreement(all.first(all.size() - 400), all.subspan(400)), chance, 0.01);
  EXPECT_EQ(values, run({1, 1}));
}

}  // namespace
}  // namespace doppel::internal
