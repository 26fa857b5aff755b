// The kernels that no layer shows by itself, on every instruction set of this CPU. Convolutions,
// pooling and activations are tested as layers, in engine_test.
#include "doppel/nn/kernels.h"

#include <gtest/gtest.h>

#include <vector>

#include "doppel/base/aligned.h"
#include "doppel/base/random.h"
#include "doppel/nn/reference.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

class KernelsOn : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { use_simd(GetParam()); }
  void TearDown() override { use_simd(simd_names().front()); }
};

AlignedArray<float> uniform_values(size_t n, uint32_t index) {
  AlignedArray<float> values(n);
  Random random(3, Purpose::sample, index);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(random.uniform(-1, 1));
  return values;
}

TEST_P(KernelsOn, RowsBecomeATileAndRowsAgain) {
  for (size_t n : {1u, 3u, 4u, 5u, 16u, 33u}) {
    const auto values = uniform_values(kLanes * n + 3, 0);
    const float* rows[kLanes];
    // Rows that lie unaligned, and one that is missing.
    for (size_t lane = 0; lane < kLanes; ++lane) rows[lane] = values.data() + 3 + lane * n;
    rows[5] = nullptr;
    AlignedArray<float> tile(n * kLanes);
    rows_to_tile(rows, n, tile.data());
    for (size_t i = 0; i < n; ++i) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        ASSERT_EQ(tile[i * kLanes + lane], lane == 5 ? 0 : rows[lane][i]);
      }
    }
    std::vector<float> back(kLanes * n, 7);
    float* out[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) out[lane] = back.data() + lane * n;
    out[9] = nullptr;
    tile_to_rows(tile.data(), n, out);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(back[lane * n + i], lane == 9 ? 7 : lane == 5 ? 0 : rows[lane][i]);
      }
    }
  }
}

// The same sums in the same order, at fewer places: equal bits.
TEST_P(KernelsOn, AStridedConvolutionIsTheOneAtEveryPlaceThere) {
  const ConvPlain every{3, 13, 12, 6, 5, 1};
  const auto x = uniform_values(3 * 13 * 12 * kLanes, 1), weight = uniform_values(6 * 3 * 25, 2);
  const auto bias = uniform_values(6, 3);
  AlignedArray<float> all(6 * every.height() * every.width() * kLanes);
  conv_forward(every, x.data(), weight.data(), bias.data(), all.data());
  for (const size_t stride : {2u, 3u, 7u}) {
    ConvPlain strided = every;
    strided.stride = stride;
    AlignedArray<float> some(6 * strided.height() * strided.width() * kLanes);
    conv_forward(strided, x.data(), weight.data(), bias.data(), some.data());
    size_t at = 0;
    for (size_t f = 0; f < 6; ++f) {
      for (size_t i = 0; i < strided.height(); ++i) {
        for (size_t j = 0; j < strided.width() * kLanes; ++j, ++at) {
          const size_t column = j / kLanes * stride;
          const size_t from = (f * every.height() + i * stride) * every.width() + column;
          ASSERT_EQ(some[at], all[from * kLanes + j % kLanes]) << stride;
        }
      }
    }
  }
}

TEST_P(KernelsOn, KeptBitsAreThoseOfTheScalarGenerator) {
  for (size_t n : {1u, 7u, 8u, 9u, 100u}) {
    std::vector<LaneBits> bits(n + 8, 0);
    draw_kept({0x123456789ABCDEF0, 77, 3, 4000000000u, 16384}, n, bits.data());
    for (size_t i = 0; i < n; ++i) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const bool expected = reference::kept({0x123456789ABCDEF0, 77},
                                              (4000000000u + lane) & 0xFFFFFFFF, 3, i, 0.25);
        ASSERT_EQ(bits[i] >> lane & 1, expected) << i << " " << lane;
      }
    }
  }
}

TEST_P(KernelsOn, MultiplyEqualsItsDefinition) {
  for (size_t rows : {1u, 5u, 6u, 7u, 13u, 20u}) {
    for (size_t vectors : {1u, 3u, 4u, 6u}) {
      for (auto [outer, inner] :
           {std::pair<size_t, size_t>{1, 1}, {1, 127}, {1, 300}, {5, 16}, {20, 16}, {3, 200}}) {
        // A by rows; B a vector after the other, each with a gap; C by columns, with a gap.
        const Product p{.rows = rows,
                        .outer = outer,
                        .inner = inner,
                        .vectors = vectors,
                        .a_row = outer * inner + 1,
                        .a_outer = inner,
                        .a_inner = 1,
                        .b_outer = inner * vectors * 32,
                        .b_inner = vectors * 32,
                        .b_vector = 32,
                        .c_row = 16,
                        .c_vector = rows * 16 + 16};
        const auto a = uniform_values(rows * p.a_row, 1);
        const auto b = uniform_values(outer * p.b_outer, 2);
        const auto start = uniform_values(rows, 3);
        AlignedArray<float> c(vectors * p.c_vector), from_zero(c.size());
        for (size_t i = 0; i < c.size(); ++i) c[i] = 99;
        multiply(p, a.data(), b.data(), start.data(), c.data());
        multiply(p, a.data(), b.data(), nullptr, from_zero.data());
        for (size_t r = 0; r < rows; ++r) {
          for (size_t v = 0; v < vectors * 16; ++v) {
            double sum = 0, size = 1;
            for (size_t o = 0; o < outer; ++o) {
              for (size_t k = 0; k < inner; ++k) {
                const double term =
                    double{a[r * p.a_row + o * p.a_outer + k * p.a_inner]} *
                    double{b[o * p.b_outer + k * p.b_inner + v / 16 * p.b_vector + v % 16]};
                sum += term;
                size += std::abs(term);
              }
            }
            const size_t at = r * p.c_row + v / 16 * p.c_vector + v % 16;
            ASSERT_NEAR(c[at], start[r] + sum, 1e-6 * size);
            ASSERT_NEAR(from_zero[at], sum, 1e-6 * size);
          }
        }
        for (size_t v = 0; v < vectors; ++v) ASSERT_EQ(c[v * p.c_vector + rows * 16], 99);
      }
    }
  }
}

TEST_P(KernelsOn, SumLanesAddsTilesAndLanes) {
  const size_t n = 5, tiles = 3, stride = n * kLanes + 16;
  const auto values = uniform_values(tiles * stride, 4);
  std::vector<float> sums(n);
  sum_lanes(values.data(), n, tiles, stride, sums.data());
  for (size_t i = 0; i < n; ++i) {
    double expected = 0;
    for (size_t t = 0; t < tiles; ++t) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        expected += values[t * stride + i * kLanes + lane];
      }
    }
    EXPECT_NEAR(sums[i], expected, 1e-5);
  }
}

// The same gradient must not reach two equal values: the first takes it.
TEST_P(KernelsOn, PoolingGivesATieToTheFirst) {
  AlignedArray<float> x(4 * kLanes), y(kLanes), dy(kLanes), dx(4 * kLanes);
  for (size_t i = 0; i < kLanes; ++i) dy[i] = 1;
  for (size_t i = 0; i < 4 * kLanes; ++i) x[i] = i < kLanes ? 0 : 1;
  max_pool(x.data(), 1, 2, 2, 2, y.data());
  max_pool_gradient(x.data(), y.data(), dy.data(), 1, 2, 2, 2, dx.data());
  for (size_t i = 0; i < 4 * kLanes; ++i) EXPECT_EQ(dx[i], i / kLanes == 1 ? 1 : 0) << i;
}

INSTANTIATE_TEST_SUITE_P(All, KernelsOn, testing::ValuesIn(simd_names()), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace doppel::internal
