// Any convolution with stride 1, in blocks of filters x columns that stay in registers. The input
// gradient is a convolution, too, of the framed output gradient with the turned weights, so there
// is no kernel for it.
#if defined(DOPPEL_NN_CONV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_CONV_INL_H_
#undef DOPPEL_NN_CONV_INL_H_
#else
#define DOPPEL_NN_CONV_INL_H_
#endif

#include <algorithm>

#include "doppel/nn/lane_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

inline constexpr size_t kConvFilters = 4;
inline constexpr size_t kConvColumns = kManyRegisters ? 6 : 3;

template <size_t Filters, size_t Columns>
HWY_INLINE void conv_block(Lanes d, const ConvPlain& s, const float* HWY_RESTRICT x,
                           const float* HWY_RESTRICT weight, const float* HWY_RESTRICT bias,
                           float* HWY_RESTRICT y, size_t f0, size_t i, size_t j, size_t lane) {
  const size_t area = s.kernel * s.kernel, filter_size = s.in_channels * area;
  V sum[Filters][Columns];
  DOPPEL_UNROLL
  for (size_t f = 0; f < Filters; ++f) {
    const V start = bias == nullptr ? hn::Zero(d) : hn::Set(d, bias[f0 + f]);
    DOPPEL_UNROLL
    for (size_t q = 0; q < Columns; ++q) sum[f][q] = start;
  }
  for (size_t c = 0; c < s.in_channels; ++c) {
    for (size_t ky = 0; ky < s.kernel; ++ky) {
      const float* HWY_RESTRICT in =
          x + ((c * s.in_height + i + ky) * s.in_width + j) * kLanes + lane;
      const float* HWY_RESTRICT w = weight + f0 * filter_size + c * area + ky * s.kernel;
      for (size_t kx = 0; kx < s.kernel; ++kx, in += kLanes, ++w) {
        V column[Columns];
        DOPPEL_UNROLL
        for (size_t q = 0; q < Columns; ++q) column[q] = hn::Load(d, in + q * kLanes);
        DOPPEL_UNROLL
        for (size_t f = 0; f < Filters; ++f) {
          const V value = hn::Set(d, w[f * filter_size]);
          DOPPEL_UNROLL
          for (size_t q = 0; q < Columns; ++q) sum[f][q] = hn::MulAdd(value, column[q], sum[f][q]);
        }
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t f = 0; f < Filters; ++f) {
    DOPPEL_UNROLL
    for (size_t q = 0; q < Columns; ++q) {
      hn::Store(sum[f][q], d,
                y + (((f0 + f) * s.height() + i) * s.width() + j + q) * kLanes + lane);
    }
  }
}

// A row in as few blocks as possible, all of (nearly) equal width: a block of one or two columns
// has too few sums to hide how long an addition takes.
template <size_t Filters>
HWY_INLINE void conv_rows(Lanes d, const ConvPlain& s, const float* x, const float* weight,
                          const float* bias, float* y, size_t f, size_t lane) {
  static_assert(kConvColumns == 3 || kConvColumns == 6);
  constexpr bool kSix = kConvColumns == 6;
  const size_t blocks = (s.width() + kConvColumns - 1) / kConvColumns;
  for (size_t i = 0; i < s.height(); ++i) {
    for (size_t k = 0, j = 0; k < blocks; ++k) {
      const size_t columns = (s.width() - j) / (blocks - k);
      switch (columns) {
        case 1:
          conv_block<Filters, 1>(d, s, x, weight, bias, y, f, i, j, lane);
          break;
        case 2:
          conv_block<Filters, 2>(d, s, x, weight, bias, y, f, i, j, lane);
          break;
        case 3:
          conv_block<Filters, 3>(d, s, x, weight, bias, y, f, i, j, lane);
          break;
        case 4:
          conv_block<Filters, kSix ? 4 : 1>(d, s, x, weight, bias, y, f, i, j, lane);
          break;
        case 5:
          conv_block<Filters, kSix ? 5 : 1>(d, s, x, weight, bias, y, f, i, j, lane);
          break;
        default:
          conv_block<Filters, kSix ? 6 : 1>(d, s, x, weight, bias, y, f, i, j, lane);
      }
      j += columns;
    }
  }
}

void ConvForward(const ConvPlain& s, const float* x, const float* weight, const float* bias,
                 float* y) {
  const Lanes d;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    size_t f = 0;
    for (; f + kConvFilters <= s.filters; f += kConvFilters) {
      conv_rows<kConvFilters>(d, s, x, weight, bias, y, f, lane);
    }
    for (; f < s.filters; ++f) conv_rows<1>(d, s, x, weight, bias, y, f, lane);
  }
}

// The gradients of Rows x Columns neighbouring weights of `Filters` filters, over all places.
template <size_t Filters, size_t Rows, size_t Columns>
HWY_INLINE void conv_weight_block(Lanes d, const ConvPlain& s, const float* HWY_RESTRICT x,
                                  const float* HWY_RESTRICT y_gradient,
                                  float* HWY_RESTRICT weight_gradient, size_t f0, size_t c,
                                  size_t ky, size_t kx) {
  constexpr size_t kArea = Rows * Columns, kSums = Filters * kArea;
  constexpr size_t kRounded = (kSums + kLanes - 1) / kLanes * kLanes;
  HWY_ALIGN float lanes[kRounded][kLanes];
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    V sum[kSums];
    DOPPEL_UNROLL
    for (size_t k = 0; k < kSums; ++k) sum[k] = hn::Zero(d);
    for (size_t i = 0; i < s.height(); ++i) {
      const float* HWY_RESTRICT in =
          x + ((c * s.in_height + i + ky) * s.in_width + kx) * kLanes + lane;
      const float* HWY_RESTRICT g = y_gradient + (f0 * s.height() + i) * s.width() * kLanes + lane;
      for (size_t j = 0; j < s.width(); ++j, in += kLanes, g += kLanes) {
        V gradient[Filters];
        DOPPEL_UNROLL
        for (size_t f = 0; f < Filters; ++f) {
          gradient[f] = hn::Load(d, g + f * s.height() * s.width() * kLanes);
        }
        DOPPEL_UNROLL
        for (size_t k = 0; k < kArea; ++k) {
          const V value = hn::Load(d, in + (k / Columns * s.in_width + k % Columns) * kLanes);
          DOPPEL_UNROLL
          for (size_t f = 0; f < Filters; ++f) {
            sum[f * kArea + k] = hn::MulAdd(gradient[f], value, sum[f * kArea + k]);
          }
        }
      }
    }
    DOPPEL_UNROLL
    for (size_t k = 0; k < kSums; ++k) hn::Store(sum[k], d, lanes[k] + lane);
  }
  for (size_t k = kSums; k < kRounded; ++k) std::fill_n(lanes[k], kLanes, 0.0f);
  HWY_ALIGN float sums[kRounded];
  for (size_t k = 0; k < kRounded; k += kLanes) sum_16_rows(d, lanes[k], sums + k);
  for (size_t k = 0; k < kSums; ++k) {
    const size_t f = f0 + k / kArea, row = ky + k % kArea / Columns, column = kx + k % Columns;
    weight_gradient[((f * s.in_channels + c) * s.kernel + row) * s.kernel + column] = sums[k];
  }
}

template <size_t Filters>
HWY_INLINE void conv_weight_rows(Lanes d, const ConvPlain& s, const float* x,
                                 const float* y_gradient, float* weight_gradient, size_t f) {
  for (size_t c = 0; c < s.in_channels; ++c) {
    for (size_t ky = 0; ky < s.kernel; ++ky) {
      size_t kx = 0;
      for (; kx + 3 <= s.kernel; kx += 3) {
        conv_weight_block<Filters, 1, 3>(d, s, x, y_gradient, weight_gradient, f, c, ky, kx);
      }
      for (; kx < s.kernel; ++kx) {
        conv_weight_block<Filters, 1, 1>(d, s, x, y_gradient, weight_gradient, f, c, ky, kx);
      }
    }
  }
}

void ConvWeightGradient(const ConvPlain& s, const float* x, const float* y_gradient,
                        float* weight_gradient, float* bias_gradient) {
  const Lanes d;
  size_t f = 0;
  if (kManyRegisters && s.kernel == 3) {
    // The whole kernel at once reads y_gradient once.
    for (; f + 2 <= s.filters; f += 2) {
      for (size_t c = 0; c < s.in_channels; ++c) {
        conv_weight_block<2, 3, 3>(d, s, x, y_gradient, weight_gradient, f, c, 0, 0);
      }
    }
  }
  for (; f + kConvFilters <= s.filters; f += kConvFilters) {
    conv_weight_rows<kConvFilters>(d, s, x, y_gradient, weight_gradient, f);
  }
  for (; f < s.filters; ++f) conv_weight_rows<1>(d, s, x, y_gradient, weight_gradient, f);
  if (bias_gradient != nullptr) {
    sum_planes(d, y_gradient, s.filters, s.height() * s.width(), bias_gradient);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_CONV_INL_H_
