// Any convolution with stride 1, in blocks of filters x columns that stay in registers. The input
// gradient is a convolution, too, of the framed output gradient with the turned weights, so there
// is no kernel for it.
#if defined(DOPPEL_NN_CONV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_CONV_INL_H_
#undef DOPPEL_NN_CONV_INL_H_
#else
#define DOPPEL_NN_CONV_INL_H_
#endif

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel {
namespace HWY_NAMESPACE {

inline constexpr size_t kConvFilters = 4;
inline constexpr size_t kConvColumns = kManyRegisters ? 5 : 2;

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

template <size_t Filters>
HWY_INLINE void conv_rows(Lanes d, const ConvPlain& s, const float* x, const float* weight,
                          const float* bias, float* y, size_t f, size_t lane) {
  for (size_t i = 0; i < s.height(); ++i) {
    size_t j = 0;
    for (; j + kConvColumns <= s.width(); j += kConvColumns) {
      conv_block<Filters, kConvColumns>(d, s, x, weight, bias, y, f, i, j, lane);
    }
    for (; j + 2 <= s.width(); j += 2) {
      conv_block<Filters, 2>(d, s, x, weight, bias, y, f, i, j, lane);
    }
    for (; j < s.width(); ++j) conv_block<Filters, 1>(d, s, x, weight, bias, y, f, i, j, lane);
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

// The gradients of `Columns` neighbouring weights of `Filters` filters, over all places.
template <size_t Filters, size_t Columns>
HWY_INLINE void conv_weight_block(Lanes d, const ConvPlain& s, const float* HWY_RESTRICT x,
                                  const float* HWY_RESTRICT y_gradient,
                                  float* HWY_RESTRICT weight_gradient, size_t f0, size_t c,
                                  size_t ky, size_t kx) {
  HWY_ALIGN float sums[Filters][Columns][kLanes];
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    V sum[Filters][Columns];
    DOPPEL_UNROLL
    for (size_t f = 0; f < Filters; ++f) {
      DOPPEL_UNROLL
      for (size_t q = 0; q < Columns; ++q) sum[f][q] = hn::Zero(d);
    }
    for (size_t i = 0; i < s.height(); ++i) {
      const float* HWY_RESTRICT in =
          x + ((c * s.in_height + i + ky) * s.in_width + kx) * kLanes + lane;
      const float* HWY_RESTRICT g = y_gradient + (f0 * s.height() + i) * s.width() * kLanes + lane;
      for (size_t j = 0; j < s.width(); ++j, in += kLanes, g += kLanes) {
        V column[Columns];
        DOPPEL_UNROLL
        for (size_t q = 0; q < Columns; ++q) column[q] = hn::Load(d, in + q * kLanes);
        DOPPEL_UNROLL
        for (size_t f = 0; f < Filters; ++f) {
          const V value = hn::Load(d, g + f * s.height() * s.width() * kLanes);
          DOPPEL_UNROLL
          for (size_t q = 0; q < Columns; ++q) sum[f][q] = hn::MulAdd(value, column[q], sum[f][q]);
        }
      }
    }
    DOPPEL_UNROLL
    for (size_t f = 0; f < Filters; ++f) {
      DOPPEL_UNROLL
      for (size_t q = 0; q < Columns; ++q) hn::Store(sum[f][q], d, sums[f][q] + lane);
    }
  }
  for (size_t f = 0; f < Filters; ++f) {
    for (size_t q = 0; q < Columns; ++q) {
      weight_gradient[(((f0 + f) * s.in_channels + c) * s.kernel + ky) * s.kernel + kx + q] =
          sum_of_lanes(sums[f][q]);
    }
  }
}

template <size_t Filters>
HWY_INLINE void conv_weight_rows(Lanes d, const ConvPlain& s, const float* x,
                                 const float* y_gradient, float* weight_gradient, size_t f) {
  for (size_t c = 0; c < s.in_channels; ++c) {
    for (size_t ky = 0; ky < s.kernel; ++ky) {
      size_t kx = 0;
      for (; kx + 3 <= s.kernel; kx += 3) {
        conv_weight_block<Filters, 3>(d, s, x, y_gradient, weight_gradient, f, c, ky, kx);
      }
      for (; kx < s.kernel; ++kx) {
        conv_weight_block<Filters, 1>(d, s, x, y_gradient, weight_gradient, f, c, ky, kx);
      }
    }
  }
}

void ConvWeightGradient(const ConvPlain& s, const float* x, const float* y_gradient,
                        float* weight_gradient, float* bias_gradient) {
  const Lanes d;
  size_t f = 0;
  for (; f + kConvFilters <= s.filters; f += kConvFilters) {
    conv_weight_rows<kConvFilters>(d, s, x, y_gradient, weight_gradient, f);
  }
  for (; f < s.filters; ++f) conv_weight_rows<1>(d, s, x, y_gradient, weight_gradient, f);
  const size_t places = s.height() * s.width();
  for (f = 0; f < s.filters; ++f) {
    HWY_ALIGN float sums[kLanes];
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V sum = hn::Zero(d);
      for (size_t p = 0; p < places; ++p) {
        sum = hn::Add(sum, hn::Load(d, y_gradient + (f * places + p) * kLanes + lane));
      }
      hn::Store(sum, d, sums + lane);
    }
    bias_gradient[f] = sum_of_lanes(sums);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_CONV_INL_H_
