// The 3x3 convolution and its gradients against sums in double precision, on every instruction set
// of this CPU; sizes around the blocks' edges, scratch full of NaN, equal bits.
#include "doppel/nn/conv3x3.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "doppel/base/aligned.h"
#include "doppel/base/random.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

AlignedArray<float> random_values(size_t n, uint32_t index) {
  AlignedArray<float> values(n);
  Random random(5, Purpose::sample, index);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(random.uniform(-1, 1));
  return values;
}

AlignedArray<float> nans(size_t n) {
  AlignedArray<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = std::numeric_limits<float>::quiet_NaN();
  return values;
}

// x between NaN, as whatever is read outside must not be used.
struct Walled {
  AlignedArray<float> memory;
  size_t size;
  static constexpr size_t kWall = 64 * kLanes;

  Walled(const AlignedArray<float>& values) : memory(nans(values.size() + 2 * kWall)) {
    size = values.size();
    std::copy(values.data(), values.data() + size, data());
  }
  explicit Walled(size_t n) : memory(nans(n + 2 * kWall)), size(n) {}
  float* data() { return memory.data() + kWall; }
  bool walls_stand() const {
    for (size_t i = 0; i < kWall; ++i) {
      if (!std::isnan(memory[i]) || !std::isnan(memory[kWall + size + i])) return false;
    }
    return true;
  }
};

// What one shape gives on the instruction set in use, and what it should give.
struct Results {
  std::vector<float> y, x_gradient, weight_gradient, bias_gradient;
};
struct Expected {
  std::vector<double> y, x_gradient, weight_gradient, bias_gradient;
};

struct LayerValues {
  AlignedArray<float> x, weight, bias, y_gradient;

  explicit LayerValues(const Conv3x3& s)
      : x(random_values(s.in_channels * s.in_height * s.in_width * kLanes, 0)),
        weight(random_values(s.filters * s.in_channels * 9, 1)),
        bias(random_values(s.filters, 2)),
        y_gradient(random_values(s.filters * s.height() * s.width() * kLanes, 3)) {}
};

std::vector<float> copied(Walled& values) {
  EXPECT_TRUE(values.walls_stand());
  return {values.data(), values.data() + values.size};
}

Results run(const Conv3x3& s, const LayerValues& in, bool with_bias = true) {
  auto prepared = nans(conv3x3_prepared_floats(s)), turned = nans(conv3x3_turned_floats(s));
  conv3x3_prepare(s, in.weight.data(), prepared.data());
  conv3x3_prepare_turned(s, in.weight.data(), turned.data());
  Walled x(in.x), y_gradient(in.y_gradient);
  Walled y(in.y_gradient.size()), x_gradient(in.x.size()), weight_gradient(in.weight.size());
  Walled bias_gradient(s.filters);
  const auto call = [&](auto&& run_one) {
    Walled scratch(conv3x3_scratch_floats(s));
    run_one(scratch.data());
    EXPECT_TRUE(scratch.walls_stand());
  };
  call([&](float* scratch) {
    conv3x3_forward(s, x.data(), prepared.data(), with_bias ? in.bias.data() : nullptr, y.data(),
                    scratch);
  });
  call([&](float* scratch) {
    conv3x3_input_gradient(s, y_gradient.data(), turned.data(), x_gradient.data(), scratch);
  });
  call([&](float* scratch) {
    conv3x3_weight_gradient(s, x.data(), y_gradient.data(), weight_gradient.data(),
                            with_bias ? bias_gradient.data() : nullptr, scratch);
  });
  return {copied(y), copied(x_gradient), copied(weight_gradient), copied(bias_gradient)};
}

Expected naive(const Conv3x3& s, const LayerValues& in) {
  Expected e;
  e.y.resize(in.y_gradient.size());
  e.x_gradient.resize(in.x.size());
  e.weight_gradient.resize(in.weight.size());
  e.bias_gradient.resize(s.filters);
  for (size_t f = 0; f < s.filters; ++f) {
    for (size_t i = 0; i < s.height(); ++i) {
      for (size_t j = 0; j < s.width(); ++j) {
        const size_t at = ((f * s.height() + i) * s.width() + j) * kLanes;
        for (size_t lane = 0; lane < kLanes; ++lane) {
          e.y[at + lane] = double{in.bias[f]};
          e.bias_gradient[f] += double{in.y_gradient[at + lane]};
        }
        for (size_t k = 0; k < 9 * s.in_channels; ++k) {
          const size_t c = k / 9, row = i + k % 9 / 3, column = j + k % 3;
          if (row < s.pad || row >= s.in_height + s.pad) continue;
          if (column < s.pad || column >= s.in_width + s.pad) continue;
          const size_t from =
              ((c * s.in_height + row - s.pad) * s.in_width + column - s.pad) * kLanes;
          const size_t w = f * s.in_channels * 9 + k;
          for (size_t lane = 0; lane < kLanes; ++lane) {
            e.y[at + lane] += double{in.weight[w]} * double{in.x[from + lane]};
            const double g = double{in.y_gradient[at + lane]};
            e.x_gradient[from + lane] += double{in.weight[w]} * g;
            e.weight_gradient[w] += double{in.x[from + lane]} * g;
          }
        }
      }
    }
  }
  return e;
}

// The largest difference, relative to the root of the mean square; huge where one is not a number.
double relative_error(const std::vector<float>& values, const std::vector<double>& expected) {
  double square = 0, largest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    square += expected[i] * expected[i];
    const double error = std::abs(double{values[i]} - expected[i]);
    largest = std::max(largest, std::isfinite(error) ? error : 1e30);
  }
  return largest / std::sqrt(square / static_cast<double>(values.size()));
}

void expect_near(const Results& results, const Expected& expected, double bound) {
  EXPECT_LT(relative_error(results.y, expected.y), bound);
  EXPECT_LT(relative_error(results.x_gradient, expected.x_gradient), bound);
  EXPECT_LT(relative_error(results.weight_gradient, expected.weight_gradient), bound);
  EXPECT_LT(relative_error(results.bias_gradient, expected.bias_gradient), bound);
}

std::string name(const Conv3x3& s) {
  std::string text = std::to_string(s.in_channels);
  text.append("->").append(std::to_string(s.filters)).append(" @ ");
  text.append(std::to_string(s.in_height)).append("x").append(std::to_string(s.in_width));
  return text.append(" pad ").append(std::to_string(s.pad));
}

class Conv3x3On : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { use_simd(GetParam()); }
  void TearDown() override { use_simd(simd_names().front()); }
};

void expect_right(const Conv3x3& s, double bound) {
  SCOPED_TRACE(name(s));
  const LayerValues in(s);
  expect_near(run(s, in), naive(s, in), bound);
}

TEST_P(Conv3x3On, EqualsItsDefinitionAtOddSizes) {
  for (size_t pad : {0u, 1u, 2u}) {
    for (size_t height = 1; height <= 9; ++height) {
      for (size_t width = 1; width <= 9; ++width) {
        if (std::min(height, width) + 2 * pad < 3) continue;
        expect_right({5, height, width, 4, pad}, 1e-5);
      }
    }
    // More blocks than are multiplied at a time.
    expect_right({5, 13, 18, 6, pad}, 1e-5);
  }
}

TEST_P(Conv3x3On, EqualsItsDefinitionForAnyNumberOfChannels) {
  for (size_t channels : {1u, 2u, 3u, 5u, 16u, 17u}) {
    for (size_t filters : {1u, 3u, 4u, 5u, 16u, 18u}) {
      expect_right({channels, 7, 5, filters, 1}, 1e-5);
      expect_right({channels, 6, 9, filters, 0}, 1e-5);
    }
  }
}

TEST_P(Conv3x3On, BiasIsLeftOutWhereThereIsNone) {
  for (size_t channels : {1u, 5u}) {
    const Conv3x3 s{channels, 6, 5, 5, 1};
    LayerValues in(s);
    for (size_t f = 0; f < s.filters; ++f) in.bias[f] = 0;
    const Results with = run(s, in), without = run(s, in, false);
    EXPECT_EQ(with.y, without.y);
    EXPECT_EQ(with.weight_gradient, without.weight_gradient);
    for (float value : without.bias_gradient) EXPECT_TRUE(std::isnan(value));
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, Conv3x3On, testing::ValuesIn(simd_names()), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

TEST(Conv3x3, GivesEqualBitsWhereMultiplyAddIsFused) {
  std::vector<Results> results;
  for (const Conv3x3& s : {Conv3x3{17, 11, 14, 18, 1}, {3, 9, 8, 18, 1}, {20, 5, 7, 6, 0}}) {
    SCOPED_TRACE(name(s));
    const LayerValues in(s);
    results.clear();
    for (const std::string& simd : simd_names()) {
      if (simd == "plain") continue;
      use_simd(simd);
      results.push_back(run(s, in));
    }
    use_simd(simd_names().front());
    for (size_t i = 1; i < results.size(); ++i) {
      EXPECT_EQ(results[i].y, results[0].y);
      EXPECT_EQ(results[i].x_gradient, results[0].x_gradient);
      EXPECT_EQ(results[i].weight_gradient, results[0].weight_gradient);
      EXPECT_EQ(results[i].bias_gradient, results[0].bias_gradient);
    }
  }
}

// Going to the points and back costs some precision; this is how much at the sizes in use.
TEST(Conv3x3, IsNearlyAsExactAsPlainSums) {
  for (const Conv3x3& s : {Conv3x3{32, 14, 11, 32, 1}, {64, 7, 5, 64, 1}}) expect_right(s, 1e-5);
}

}  // namespace
}  // namespace doppel::internal
