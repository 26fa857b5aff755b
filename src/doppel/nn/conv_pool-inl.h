// Convolution 3x3, ReLU, max-pool 2 and dropout in one pass, and its three gradients.
//
// Of the four values under a pooled cell only one has a gradient, another one in every image. The
// weight gradient therefore does not multiply four values by zeros and a gradient: it selects, in
// every lane, the 3x3 input patch below the chosen value, and multiplies that alone.
#if defined(DOPPEL_NN_CONV_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_CONV_POOL_INL_H_
#undef DOPPEL_NN_CONV_POOL_INL_H_
#else
#define DOPPEL_NN_CONV_POOL_INL_H_
#endif

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

// A block's filters are those whose accumulators fit beside the 4x4 input patch.
inline constexpr size_t kPoolBlock = kManyRegisters ? 3 : 1;

// The four sums under one pooled cell, for `Block` filters from f on; patch is the 4x4 input below.
template <size_t Block>
HWY_INLINE void conv_patch(Lanes d, const float* HWY_RESTRICT x, size_t row, size_t plane,
                           size_t channels, const float* HWY_RESTRICT weight, size_t filter_size,
                           V (&sum)[Block][4]) {
  for (size_t c = 0; c < channels; ++c) {
    V patch[16];
    DOPPEL_UNROLL
    for (size_t p = 0; p < 16; ++p) {
      patch[p] = hn::Load(d, x + c * plane + (p / 4) * row + (p % 4) * kLanes);
    }
    DOPPEL_UNROLL
    for (size_t k = 0; k < 9; ++k) {
      DOPPEL_UNROLL
      for (size_t f = 0; f < Block; ++f) {
        const V w = hn::Set(d, weight[f * filter_size + c * 9 + k]);
        DOPPEL_UNROLL
        for (size_t p = 0; p < 4; ++p) {
          sum[f][p] = hn::MulAdd(w, patch[(k / 3 + p / 2) * 4 + k % 3 + p % 2], sum[f][p]);
        }
      }
    }
  }
}

template <size_t Block>
HWY_INLINE void conv_pool_cell(Lanes d, const ConvPool& s, const float* HWY_RESTRICT x,
                               const float* HWY_RESTRICT weight, const float* HWY_RESTRICT bias,
                               const LaneBits* HWY_RESTRICT kept, float scale,
                               float* HWY_RESTRICT y, PoolChoice* HWY_RESTRICT choice, size_t f0,
                               size_t i, size_t j, size_t lane) {
  const size_t row = s.in_width * kLanes;
  const size_t filter_size = s.in_channels * 9;
  V sum[Block][4];
  DOPPEL_UNROLL
  for (size_t f = 0; f < Block; ++f) {
    const V b = hn::Set(d, bias[f0 + f]);
    DOPPEL_UNROLL
    for (size_t p = 0; p < 4; ++p) sum[f][p] = b;
  }
  conv_patch<Block>(d, x + 2 * i * row + 2 * j * kLanes + lane, row, s.in_height * row,
                    s.in_channels, weight + f0 * filter_size, filter_size, sum);
  const size_t height = s.height(), width = s.width();
  DOPPEL_UNROLL
  for (size_t f = 0; f < Block; ++f) {
    const V upper = hn::Max(sum[f][0], sum[f][1]), lower = hn::Max(sum[f][2], sum[f][3]);
    const V largest = hn::Max(upper, lower);
    const size_t at = ((f0 + f) * height + i) * width + j;
    if (choice != nullptr) {
      const M down = hn::Gt(lower, upper);
      const M upper_right = hn::Gt(sum[f][1], sum[f][0]);
      const M lower_right = hn::Gt(sum[f][3], sum[f][2]);
      const M right = hn::Or(hn::And(down, lower_right), hn::AndNot(down, upper_right));
      PoolChoice& chosen = choice[((f0 + f) * (height + 2) + i + 1) * (width + 2) + j + 1];
      store_bits(d, right, lane, &chosen.right);
      store_bits(d, down, lane, &chosen.down);
    }
    // Written so that a NaN stays one and is noticed, where a maximum with 0 would hide it.
    M dead = hn::Le(largest, hn::Zero(d));
    if (kept != nullptr) dead = hn::Or(dead, hn::Not(load_bits(d, kept + at, lane)));
    hn::Store(hn::IfThenZeroElse(dead, hn::Mul(largest, hn::Set(d, scale))), d,
              y + at * kLanes + lane);
  }
}

void ConvPoolForward(const ConvPool& s, const float* x, const float* weight, const float* bias,
                     const LaneBits* kept, float scale, float* y, PoolChoice* choice) {
  const Lanes d;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    for (size_t i = 0; i < s.height(); ++i) {
      size_t f = 0;
      for (; f + kPoolBlock <= s.filters; f += kPoolBlock) {
        for (size_t j = 0; j < s.width(); ++j) {
          conv_pool_cell<kPoolBlock>(d, s, x, weight, bias, kept, scale, y, choice, f, i, j, lane);
        }
      }
      for (; f < s.filters; ++f) {
        for (size_t j = 0; j < s.width(); ++j) {
          conv_pool_cell<1>(d, s, x, weight, bias, kept, scale, y, choice, f, i, j, lane);
        }
      }
    }
  }
}

void ConvPoolRoute(const ConvPool& s, const float* HWY_RESTRICT y,
                   const float* HWY_RESTRICT y_gradient, float scale, float* HWY_RESTRICT routed,
                   float* HWY_RESTRICT bias_gradient) {
  const Lanes d;
  const V factor = hn::Set(d, scale), zero = hn::Zero(d);
  const size_t height = s.height(), width = s.width();
  for (size_t f = 0; f < s.filters; ++f) {
    HWY_ALIGN float sums[kLanes];
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V sum = zero;
      float* out = routed + f * (height + 2) * (width + 2) * kLanes + lane;
      for (size_t j = 0; j < width + 3; ++j, out += kLanes) hn::Store(zero, d, out);
      for (size_t i = 0; i < height; ++i) {
        const size_t at = (f * height + i) * width * kLanes + lane;
        for (size_t j = 0; j < width; ++j, out += kLanes) {
          const M dead = hn::Le(hn::Load(d, y + at + j * kLanes), zero);
          const V g =
              hn::IfThenZeroElse(dead, hn::Mul(hn::Load(d, y_gradient + at + j * kLanes), factor));
          sum = hn::Add(sum, g);
          hn::Store(g, d, out);
        }
        for (size_t j = 0; j < 2; ++j, out += kLanes) hn::Store(zero, d, out);
      }
      for (size_t j = 0; j < width + 1; ++j, out += kLanes) hn::Store(zero, d, out);
      hn::Store(sum, d, sums + lane);
    }
    bias_gradient[f] = sum_of_lanes(sums);
  }
}

void ConvPoolWeightGradient(const ConvPool& s, const float* HWY_RESTRICT x,
                            const float* HWY_RESTRICT routed, const PoolChoice* HWY_RESTRICT choice,
                            float* HWY_RESTRICT weight_gradient) {
  const Lanes d;
  const size_t height = s.height(), width = s.width(), row = s.in_width * kLanes;
  for (size_t f = 0; f < s.filters; ++f) {
    for (size_t c = 0; c < s.in_channels; ++c) {
      HWY_ALIGN float sums[9][kLanes];
      for (size_t lane = 0; lane < kLanes; lane += kStep) {
        V sum[9];
        DOPPEL_UNROLL
        for (size_t k = 0; k < 9; ++k) sum[k] = hn::Zero(d);
        for (size_t i = 0; i < height; ++i) {
          const float* HWY_RESTRICT in = x + (c * s.in_height + 2 * i) * row + lane;
          const size_t first = (f * (height + 2) + i + 1) * (width + 2) + 1;
          for (size_t j = 0; j < width; ++j) {
            const V g = hn::Load(d, routed + (first + j) * kLanes + lane);
            const M right = load_bits(d, &choice[first + j].right, lane);
            const M down = load_bits(d, &choice[first + j].down, lane);
            V across[12];  // four rows, the three columns that begin at the chosen one
            DOPPEL_UNROLL
            for (size_t r = 0; r < 4; ++r) {
              V column[4];
              DOPPEL_UNROLL
              for (size_t q = 0; q < 4; ++q) {
                column[q] = hn::Load(d, in + r * row + (2 * j + q) * kLanes);
              }
              DOPPEL_UNROLL
              for (size_t q = 0; q < 3; ++q) {
                across[r * 3 + q] = hn::IfThenElse(right, column[q + 1], column[q]);
              }
            }
            DOPPEL_UNROLL
            for (size_t k = 0; k < 9; ++k) {
              sum[k] = hn::MulAdd(g, hn::IfThenElse(down, across[k + 3], across[k]), sum[k]);
            }
          }
        }
        DOPPEL_UNROLL
        for (size_t k = 0; k < 9; ++k) hn::Store(sum[k], d, sums[k] + lane);
      }
      for (size_t k = 0; k < 9; ++k) {
        weight_gradient[(f * s.in_channels + c) * 9 + k] = sum_of_lanes(sums[k]);
      }
    }
  }
}

// The gradient of 2x2 input values in `Block` channels: they see the convolution's values of 2x2
// pooled cells. That is the forward pass once more, on a 4x4 patch that is made of four cells.
template <size_t Block>
HWY_INLINE void conv_pool_input_cell(Lanes d, const ConvPool& s, const float* HWY_RESTRICT weight,
                                     const float* HWY_RESTRICT routed,
                                     const PoolChoice* HWY_RESTRICT choice,
                                     float* HWY_RESTRICT x_gradient, size_t c0, size_t i, size_t j,
                                     size_t lane) {
  const size_t framed_width = s.width() + 2;
  V sum[Block][4];
  DOPPEL_UNROLL
  for (size_t c = 0; c < Block; ++c) {
    DOPPEL_UNROLL
    for (size_t p = 0; p < 4; ++p) sum[c][p] = hn::Zero(d);
  }
  for (size_t f = 0; f < s.filters; ++f) {
    V patch[16];
    DOPPEL_UNROLL
    for (size_t cell = 0; cell < 4; ++cell) {
      const size_t at = (f * (s.height() + 2) + i + cell / 2) * framed_width + j + cell % 2;
      const V g = hn::Load(d, routed + at * kLanes + lane);
      const M right = load_bits(d, &choice[at].right, lane);
      const M down = load_bits(d, &choice[at].down, lane);
      const V left_half = hn::IfThenZeroElse(right, g), right_half = hn::IfThenElseZero(right, g);
      const size_t corner = (cell / 2) * 8 + (cell % 2) * 2;
      patch[corner] = hn::IfThenZeroElse(down, left_half);
      patch[corner + 1] = hn::IfThenZeroElse(down, right_half);
      patch[corner + 4] = hn::IfThenElseZero(down, left_half);
      patch[corner + 5] = hn::IfThenElseZero(down, right_half);
    }
    DOPPEL_UNROLL
    for (size_t k = 0; k < 9; ++k) {
      DOPPEL_UNROLL
      for (size_t c = 0; c < Block; ++c) {
        const V w = hn::Set(d, weight[(f * s.in_channels + c0 + c) * 9 + k]);
        DOPPEL_UNROLL
        for (size_t p = 0; p < 4; ++p) {
          sum[c][p] = hn::MulAdd(w, patch[(p / 2 + 2 - k / 3) * 4 + p % 2 + 2 - k % 3], sum[c][p]);
        }
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t c = 0; c < Block; ++c) {
    DOPPEL_UNROLL
    for (size_t p = 0; p < 4; ++p) {
      hn::Store(
          sum[c][p], d,
          x_gradient +
              (((c0 + c) * s.in_height + 2 * i + p / 2) * s.in_width + 2 * j + p % 2) * kLanes +
              lane);
    }
  }
}

void ConvPoolInputGradient(const ConvPool& s, const float* weight, const float* routed,
                           const PoolChoice* choice, float* x_gradient) {
  const Lanes d;
  // Rows and columns beyond the last pooled cell were never looked at.
  const size_t rows = 2 * s.height() + 2, columns = 2 * s.width() + 2;
  for (size_t c = 0; c < s.in_channels; ++c) {
    for (size_t i = 0; i < s.in_height; ++i) {
      float* out = x_gradient + (c * s.in_height + i) * s.in_width * kLanes;
      for (size_t j = i < rows ? columns * kLanes : 0; j < s.in_width * kLanes; ++j) out[j] = 0;
    }
  }
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    for (size_t i = 0; i <= s.height(); ++i) {
      size_t c = 0;
      for (; c + kPoolBlock <= s.in_channels; c += kPoolBlock) {
        for (size_t j = 0; j <= s.width(); ++j) {
          conv_pool_input_cell<kPoolBlock>(d, s, weight, routed, choice, x_gradient, c, i, j, lane);
        }
      }
      for (; c < s.in_channels; ++c) {
        for (size_t j = 0; j <= s.width(); ++j) {
          conv_pool_input_cell<1>(d, s, weight, routed, choice, x_gradient, c, i, j, lane);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_CONV_POOL_INL_H_
