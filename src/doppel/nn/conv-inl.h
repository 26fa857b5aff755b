// Any convolution, in blocks of filters x columns that stay in registers. The input's gradient is a
// convolution of the framed output's gradient, its kernels turned by half; where the stride is s,
// each s-th input row and column sees another part of the kernel.
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

// A row in as few blocks as possible, all of (nearly) equal width: a block of one or two columns
// has too few sums to hide how long an addition takes. Calls block(Columns<n>(), first column).
template <size_t N>
struct Columns {
  static constexpr size_t kCount = N;
};
template <typename Block>
HWY_INLINE void for_column_blocks(size_t width, const Block& block) {
  static_assert(kConvColumns == 3 || kConvColumns == 6);
  constexpr bool kSix = kConvColumns == 6;
  const size_t blocks = (width + kConvColumns - 1) / kConvColumns;
  for (size_t k = 0, j = 0; k < blocks; ++k) {
    const size_t columns = (width - j) / (blocks - k);
    switch (columns) {
      case 1:
        block(Columns<1>(), j);
        break;
      case 2:
        block(Columns<2>(), j);
        break;
      case 3:
        block(Columns<3>(), j);
        break;
      case 4:
        block(Columns < kSix ? 4 : 1 > (), j);
        break;
      case 5:
        block(Columns < kSix ? 5 : 1 > (), j);
        break;
      default:
        block(Columns < kSix ? 6 : 1 > (), j);
    }
    j += columns;
  }
}

// `Apart` is how many columns of the input lie between those of the output; 0: s.stride, which is
// known at run time only.
template <size_t Filters, size_t Count, size_t Apart>
HWY_INLINE void conv_block(Lanes d, const ConvPlain& s, const float* HWY_RESTRICT x,
                           const float* HWY_RESTRICT weight, const float* HWY_RESTRICT bias,
                           float* HWY_RESTRICT y, size_t f0, size_t i, size_t j, size_t lane) {
  const size_t area = s.kernel * s.kernel, filter_size = s.in_channels * area;
  const size_t apart = Apart == 0 ? s.stride : Apart;
  V sum[Filters][Count];
  DOPPEL_UNROLL
  for (size_t f = 0; f < Filters; ++f) {
    const V start = bias == nullptr ? hn::Zero(d) : hn::Set(d, bias[f0 + f]);
    DOPPEL_UNROLL
    for (size_t q = 0; q < Count; ++q) sum[f][q] = start;
  }
  for (size_t c = 0; c < s.in_channels; ++c) {
    for (size_t ky = 0; ky < s.kernel; ++ky) {
      const float* HWY_RESTRICT in =
          x + ((c * s.in_height + i * apart + ky) * s.in_width + j * apart) * kLanes + lane;
      const float* HWY_RESTRICT w = weight + f0 * filter_size + c * area + ky * s.kernel;
      for (size_t kx = 0; kx < s.kernel; ++kx, in += kLanes, ++w) {
        V column[Count];
        DOPPEL_UNROLL
        for (size_t q = 0; q < Count; ++q) column[q] = hn::Load(d, in + q * apart * kLanes);
        DOPPEL_UNROLL
        for (size_t f = 0; f < Filters; ++f) {
          const V value = hn::Set(d, w[f * filter_size]);
          DOPPEL_UNROLL
          for (size_t q = 0; q < Count; ++q) sum[f][q] = hn::MulAdd(value, column[q], sum[f][q]);
        }
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t f = 0; f < Filters; ++f) {
    DOPPEL_UNROLL
    for (size_t q = 0; q < Count; ++q) {
      hn::Store(sum[f][q], d,
                y + (((f0 + f) * s.height() + i) * s.width() + j + q) * kLanes + lane);
    }
  }
}

template <size_t Filters>
HWY_INLINE void conv_rows(Lanes d, const ConvPlain& s, const float* x, const float* weight,
                          const float* bias, float* y, size_t f, size_t lane) {
  for (size_t i = 0; i < s.height(); ++i) {
    for_column_blocks(s.width(), [&](auto columns, size_t j) HWY_ATTR {
      constexpr size_t kCount = decltype(columns)::kCount;
      if (s.stride == 1) {
        conv_block<Filters, kCount, 1>(d, s, x, weight, bias, y, f, i, j, lane);
      } else {
        conv_block<Filters, kCount, 0>(d, s, x, weight, bias, y, f, i, j, lane);
      }
    });
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

// Which values of a kernel meet a place of the input along one axis: the last one first, each
// s.stride before the one before it, at neighbouring places of the framed gradient from `from` on.
struct ConvTaps {
  size_t count, last, from;

  ConvTaps(const ConvPlain& s, size_t place) {
    const size_t first = place % s.stride;
    count = first < s.kernel ? (s.kernel - 1 - first) / s.stride + 1 : 0;
    const size_t beyond_first = count == 0 ? 0 : count - 1;
    last = count == 0 ? 0 : first + beyond_first * s.stride;
    from = place / s.stride + s.kernel - 1 - beyond_first;
  }
};

// The gradient of `Channels` channels of the input, in its row r, at the `Count` columns q,
// q + s.stride, ..
template <size_t Channels, size_t Count>
HWY_INLINE void conv_input_block(Lanes d, const ConvPlain& s, const float* HWY_RESTRICT framed,
                                 const float* HWY_RESTRICT weight, float* HWY_RESTRICT x_gradient,
                                 size_t c0, size_t r, size_t q, size_t lane) {
  const size_t area = s.kernel * s.kernel, filter_size = s.in_channels * area;
  const size_t height = s.height() + 2 * (s.kernel - 1), width = s.width() + 2 * (s.kernel - 1);
  const ConvTaps down(s, r), across(s, q);
  V sum[Channels][Count];
  DOPPEL_UNROLL
  for (size_t c = 0; c < Channels; ++c) {
    DOPPEL_UNROLL
    for (size_t p = 0; p < Count; ++p) sum[c][p] = hn::Zero(d);
  }
  for (size_t f = 0; f < s.filters; ++f) {
    for (size_t m = 0; m < down.count; ++m) {
      const float* HWY_RESTRICT in =
          framed + ((f * height + down.from + m) * width + across.from) * kLanes + lane;
      const float* HWY_RESTRICT w = weight + f * filter_size + c0 * area +
                                    (down.last - m * s.stride) * s.kernel + across.last;
      for (size_t n = 0; n < across.count; ++n, in += kLanes) {
        V column[Count];
        DOPPEL_UNROLL
        for (size_t p = 0; p < Count; ++p) column[p] = hn::Load(d, in + p * kLanes);
        DOPPEL_UNROLL
        for (size_t c = 0; c < Channels; ++c) {
          const V value = hn::Set(d, *(w + c * area - n * s.stride));
          DOPPEL_UNROLL
          for (size_t p = 0; p < Count; ++p) sum[c][p] = hn::MulAdd(value, column[p], sum[c][p]);
        }
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t c = 0; c < Channels; ++c) {
    float* HWY_RESTRICT out = x_gradient + (((c0 + c) * s.in_height + r) * s.in_width + q) * kLanes;
    DOPPEL_UNROLL
    for (size_t p = 0; p < Count; ++p) {
      hn::Store(sum[c][p], d, out + p * s.stride * kLanes + lane);
    }
  }
}

template <size_t Channels>
HWY_INLINE void conv_input_rows(Lanes d, const ConvPlain& s, const float* framed,
                                const float* weight, float* x_gradient, size_t c, size_t lane) {
  for (size_t r = 0; r < s.in_height; ++r) {
    for (size_t first = 0; first < std::min(s.stride, s.in_width); ++first) {
      const size_t places = (s.in_width - first + s.stride - 1) / s.stride;
      for_column_blocks(places, [&](auto columns, size_t j) HWY_ATTR {
        conv_input_block<Channels, decltype(columns)::kCount>(d, s, framed, weight, x_gradient, c,
                                                              r, first + j * s.stride, lane);
      });
    }
  }
}

void ConvInputGradient(const ConvPlain& s, const float* framed, const float* weight,
                       float* x_gradient) {
  const Lanes d;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    size_t c = 0;
    for (; c + kConvFilters <= s.in_channels; c += kConvFilters) {
      conv_input_rows<kConvFilters>(d, s, framed, weight, x_gradient, c, lane);
    }
    for (; c < s.in_channels; ++c) conv_input_rows<1>(d, s, framed, weight, x_gradient, c, lane);
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
          x + ((c * s.in_height + i * s.stride + ky) * s.in_width + kx) * kLanes + lane;
      const float* HWY_RESTRICT g = y_gradient + (f0 * s.height() + i) * s.width() * kLanes + lane;
      for (size_t j = 0; j < s.width(); ++j, in += s.stride * kLanes, g += kLanes) {
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
