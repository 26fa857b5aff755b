// Winograd's minimal filtering for 3x3 convolutions of tiles of 16 images: blocks of the output are
// computed at (block + 2)^2 points, where the convolution is a product of matrices [filters x
// channels] x [channels x blocks], one for each point. As the images lie in the lanes, going to the
// points and back is adding whole vectors.
#if defined(DOPPEL_NN_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_WINOGRAD_INL_H_
#undef DOPPEL_NN_WINOGRAD_INL_H_
#else
#define DOPPEL_NN_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "doppel/nn/conv3x3.h"
#include "doppel/nn/lane_sums-inl.h"
#include "doppel/nn/winograd_points-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

// A matrix of vectors for each point, [point][row][block].
struct PointMatrices {
  float* data;
  size_t point, row;  // strides in floats
};

// Blocks first .. first + count - 1 of the output, counted along its rows of `wide` blocks.
struct Strip {
  size_t first, count, wide;
  size_t row(size_t t) const { return (first + t) / wide; }
  size_t column(size_t t) const { return (first + t) % wide; }
};

// What a block reads of a plane of height x width: columns column_begin .. column_end - 1 of its
// window, and rows row_begin .. row_end - 1; the others lie in the padding.
struct Window {
  ptrdiff_t corner;  // in vectors from the plane's begin
  size_t row_begin, row_end, column_begin, column_end;
  bool whole;

  Window() = default;
  Window(ptrdiff_t row, ptrdiff_t column, size_t rows, size_t columns, size_t height, size_t width)
      : corner(row * static_cast<ptrdiff_t>(width) + column),
        row_begin(begin(row)),
        row_end(end(row, rows, height)),
        column_begin(begin(column)),
        column_end(end(column, columns, width)),
        whole(row_begin == 0 && row_end == rows && column_begin == 0 && column_end == columns) {}

 private:
  static size_t begin(ptrdiff_t at) { return static_cast<size_t>(std::max<ptrdiff_t>(0, -at)); }
  static size_t end(ptrdiff_t at, size_t window, size_t size) {
    const ptrdiff_t left = static_cast<ptrdiff_t>(size) - at;
    return static_cast<size_t>(std::clamp<ptrdiff_t>(left, 0, static_cast<ptrdiff_t>(window)));
  }
};

// Takes one window to the points. kInput: by B from (R + 2) x (Q + 2) values; otherwise by A from
// R x Q. kWhole: no part lies in the padding.
template <size_t R, size_t Q, bool kInput, bool kWhole>
HWY_INLINE void window_to_points(Lanes d, const float* HWY_RESTRICT plane, size_t width,
                                 size_t next_plane, const Window& w, float* HWY_RESTRICT out,
                                 size_t point) {
  constexpr size_t kRows = kInput ? R + 2 : R, kColumns = kInput ? Q + 2 : Q;
  HWY_ALIGN static constexpr float kZeros[kColumns * kLanes] = {};
  const float* rows[kRows];
  DOPPEL_UNROLL
  for (size_t r = 0; r < kRows; ++r) {
    const float* row =
        plane + (w.corner + static_cast<ptrdiff_t>(r * width)) * static_cast<ptrdiff_t>(kLanes);
    rows[r] = kWhole || (r >= w.row_begin && r < w.row_end) ? row : kZeros;
  }
  V half[R + 2][kColumns];
  DOPPEL_UNROLL
  for (size_t q = 0; q < kColumns; ++q) {
    V column[kRows], points[R + 2];
    if (kWhole || (q >= w.column_begin && q < w.column_end)) {
      DOPPEL_UNROLL
      for (size_t r = 0; r < kRows; ++r) {
        column[r] = hn::Load(d, rows[r] + q * kLanes);
        if (q < Q) hwy::Prefetch(rows[r] + q * kLanes + next_plane);
      }
      if constexpr (kInput) {
        Points<R>::input(d, column, points);
      } else {
        Points<R>::gradient(d, column, points);
      }
      DOPPEL_UNROLL
      for (size_t r = 0; r < R + 2; ++r) half[r][q] = points[r];
    } else {
      DOPPEL_UNROLL
      for (size_t r = 0; r < R + 2; ++r) half[r][q] = hn::Zero(d);
    }
  }
  DOPPEL_UNROLL
  for (size_t r = 0; r < R + 2; ++r) {
    V points[Q + 2];
    if constexpr (kInput) {
      Points<Q>::input(d, half[r], points);
    } else {
      Points<Q>::gradient(d, half[r], points);
    }
    DOPPEL_UNROLL
    for (size_t q = 0; q < Q + 2; ++q) hn::Store(points[q], d, out + (r * (Q + 2) + q) * point);
  }
}

// All planes of a strip; windows begin `pad` before their blocks.
template <size_t R, size_t Q, bool kInput>
HWY_NOINLINE void strip_to_points(Lanes d, const float* HWY_RESTRICT x, size_t planes,
                                  size_t height, size_t width, size_t pad, const Strip& strip,
                                  size_t unit, const PointMatrices& out) {
  constexpr size_t kRows = kInput ? R + 2 : R, kColumns = kInput ? Q + 2 : Q;
  Window windows[kWinogradBlocks];
  for (size_t t = 0; t < strip.count; ++t) {
    windows[t] = Window(static_cast<ptrdiff_t>(strip.row(t) * R) - static_cast<ptrdiff_t>(pad),
                        static_cast<ptrdiff_t>(strip.column(t) * Q) - static_cast<ptrdiff_t>(pad),
                        kRows, kColumns, height, width);
  }
  const size_t plane = height * width * kLanes;
  for (size_t c = 0; c < planes; ++c) {
    const size_t next_plane = c + 1 < planes ? plane : 0;
    float* to = out.data + c * out.row;
    for (size_t t = 0; t < strip.count; ++t, to += unit) {
      if (windows[t].whole) {
        window_to_points<R, Q, kInput, true>(d, x + c * plane, width, next_plane, windows[t], to,
                                             out.point);
      } else {
        window_to_points<R, Q, kInput, false>(d, x + c * plane, width, next_plane, windows[t], to,
                                              out.point);
      }
    }
  }
}

// m [4][count] = w [channels][4]^T times v [channels][count]; Columns of the count.
template <size_t Columns>
HWY_INLINE void product_columns(Lanes d, size_t channels, const float* HWY_RESTRICT w,
                                const float* HWY_RESTRICT v, size_t count, float* HWY_RESTRICT m) {
  V sum[kWinogradFilters][Columns];
  DOPPEL_UNROLL
  for (size_t f = 0; f < kWinogradFilters; ++f) {
    DOPPEL_UNROLL
    for (size_t t = 0; t < Columns; ++t) sum[f][t] = hn::Zero(d);
  }
  for (size_t c = 0; c < channels; ++c, w += kWinogradFilters, v += count * kStep) {
    V column[Columns];
    DOPPEL_UNROLL
    for (size_t t = 0; t < Columns; ++t) column[t] = hn::Load(d, v + t * kStep);
    DOPPEL_UNROLL
    for (size_t f = 0; f < kWinogradFilters; ++f) {
      const V value = hn::Set(d, w[f]);
      DOPPEL_UNROLL
      for (size_t t = 0; t < Columns; ++t) sum[f][t] = hn::MulAdd(value, column[t], sum[f][t]);
    }
  }
  DOPPEL_UNROLL
  for (size_t f = 0; f < kWinogradFilters; ++f) {
    DOPPEL_UNROLL
    for (size_t t = 0; t < Columns; ++t) hn::Store(sum[f][t], d, m + (f * count + t) * kStep);
  }
}

// All blocks of filters of one point.
template <size_t Columns>
HWY_INLINE void product_filters(Lanes d, size_t channels, size_t filter_blocks, const float* w,
                                const float* v, size_t count, float* m) {
  for (size_t b = 0; b < filter_blocks; ++b) {
    product_columns<Columns>(d, channels, w + b * channels * kWinogradFilters, v, count,
                             m + b * kWinogradFilters * count * kStep);
  }
}

HWY_NOINLINE void point_product(Lanes d, size_t channels, size_t filter_blocks, const float* w,
                                const float* v, size_t count, float* m) {
  static_assert(kWinogradBlocks == 6);
  constexpr size_t kColumns = kManyRegisters ? 6 : 3;
  for (size_t t = 0; t < count; t += kColumns) {
    const float* from = v + t * kStep;
    float* to = m + t * kStep;
    switch (std::min(kColumns, count - t)) {
      case 1:
        product_filters<1>(d, channels, filter_blocks, w, from, count, to);
        break;
      case 2:
        product_filters<2>(d, channels, filter_blocks, w, from, count, to);
        break;
      case 3:
        product_filters<3>(d, channels, filter_blocks, w, from, count, to);
        break;
      case 4:
        product_filters<kManyRegisters ? 4 : 1>(d, channels, filter_blocks, w, from, count, to);
        break;
      case 5:
        product_filters<kManyRegisters ? 5 : 1>(d, channels, filter_blocks, w, from, count, to);
        break;
      default:
        product_filters<kManyRegisters ? 6 : 1>(d, channels, filter_blocks, w, from, count, to);
    }
  }
}

// One block of one filter from its points to y, of which `rows` x `columns` lie inside.
template <size_t R, size_t Q>
HWY_INLINE void points_to_block(Lanes d, const float* HWY_RESTRICT m, size_t point, V bias,
                                float* HWY_RESTRICT y, size_t next_plane, size_t width, size_t rows,
                                size_t columns) {
  V half[R][Q + 2];
  DOPPEL_UNROLL
  for (size_t q = 0; q < Q + 2; ++q) {
    V points[R + 2], column[R];
    DOPPEL_UNROLL
    for (size_t r = 0; r < R + 2; ++r) points[r] = hn::Load(d, m + (r * (Q + 2) + q) * point);
    Points<R>::output(d, points, column);
    DOPPEL_UNROLL
    for (size_t r = 0; r < R; ++r) half[r][q] = column[r];
  }
  DOPPEL_UNROLL
  for (size_t r = 0; r < R; ++r) {
    V out[Q];
    Points<Q>::output(d, half[r], out);
    DOPPEL_UNROLL
    for (size_t q = 0; q < Q; ++q) {
      if (r < rows && q < columns) {
        float* to = y + (r * width + q) * kLanes;
        hn::Store(hn::Add(out[q], bias), d, to);
        hwy::Prefetch(to + next_plane);
      }
    }
  }
}

// A strip of `filters` planes of y; bias as many or null.
template <size_t R, size_t Q>
HWY_NOINLINE void points_to_strip(Lanes d, const PointMatrices& m, size_t filters,
                                  const float* HWY_RESTRICT bias, const Strip& strip,
                                  float* HWY_RESTRICT y, size_t height, size_t width) {
  for (size_t f = 0; f < filters; ++f, y += height * width * kLanes) {
    const V start = bias == nullptr ? hn::Zero(d) : hn::Set(d, bias[f]);
    for (size_t t = 0; t < strip.count; ++t) {
      const size_t i = strip.row(t) * R, j = strip.column(t) * Q;
      points_to_block<R, Q>(
          d, m.data + f * m.row + t * kStep, m.point, start, y + (i * width + j) * kLanes,
          f + 1 < filters ? height * width * kLanes : 0, width, height - i, width - j);
    }
  }
}

template <size_t R, size_t Q>
HWY_NOINLINE void winograd_forward(const Conv3x3& s, const float* HWY_RESTRICT x,
                                   const float* HWY_RESTRICT prepared,
                                   const float* HWY_RESTRICT bias, float* HWY_RESTRICT y,
                                   float* HWY_RESTRICT scratch) {
  constexpr size_t kPoints = (R + 2) * (Q + 2);
  const Lanes d;
  const size_t height = s.height(), width = s.width();
  const size_t blocks_wide = (width + Q - 1) / Q, blocks = (height + R - 1) / R * blocks_wide;
  const size_t strips = (blocks + kWinogradBlocks - 1) / kWinogradBlocks;
  const size_t weight_point = winograd_weight_stride(s);
  float* product_data = scratch + kPoints * odd_vectors(s.in_channels * kWinogradBlocks) * kLanes;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    for (size_t k = 0, first = 0; k < strips; ++k) {
      const Strip strip{first, (blocks - first) / (strips - k), blocks_wide};
      first += strip.count;
      const PointMatrices values{scratch, odd_vectors(s.in_channels * strip.count) * kStep,
                                 strip.count * kStep};
      strip_to_points<R, Q, true>(d, x + lane, s.in_channels, s.in_height, s.in_width, s.pad, strip,
                                  kStep, values);
      for (size_t f = 0; f < s.filters; f += kWinogradGroup) {
        const size_t filters = std::min(kWinogradGroup, s.filters - f);
        const size_t filter_blocks = (filters + kWinogradFilters - 1) / kWinogradFilters;
        const PointMatrices products{
            product_data, odd_vectors(filter_blocks * kWinogradFilters * strip.count) * kStep,
            strip.count * kStep};
        for (size_t p = 0; p < kPoints; ++p) {
          point_product(
              d, s.in_channels, filter_blocks, prepared + p * weight_point + f * s.in_channels,
              values.data + p * values.point, strip.count, products.data + p * products.point);
        }
        points_to_strip<R, Q>(d, products, filters, bias == nullptr ? nullptr : bias + f, strip,
                              y + f * height * width * kLanes + lane, height, width);
      }
    }
  }
}

// sums[4 f + c] += the sum over blocks and lanes of gradient[f][block] times value[c][block], for
// 4 filters and 4 channels at one point.
HWY_INLINE void gradient_product(Lanes d, const float* HWY_RESTRICT gradient,
                                 const float* HWY_RESTRICT value, size_t count,
                                 float* HWY_RESTRICT sums) {
  constexpr size_t kColumns = kManyRegisters ? 4 : 2;
  HWY_ALIGN float rows[4][4][kLanes];
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    for (size_t c0 = 0; c0 < 4; c0 += kColumns) {
      V sum[4][kColumns];
      DOPPEL_UNROLL
      for (size_t f = 0; f < 4; ++f) {
        DOPPEL_UNROLL
        for (size_t c = 0; c < kColumns; ++c) sum[f][c] = hn::Zero(d);
      }
      const float* HWY_RESTRICT g = gradient + lane;
      const float* HWY_RESTRICT v = value + c0 * count * kLanes + lane;
      for (size_t t = 0; t < count; ++t, g += kLanes, v += kLanes) {
        V column[kColumns];
        DOPPEL_UNROLL
        for (size_t c = 0; c < kColumns; ++c) column[c] = hn::Load(d, v + c * count * kLanes);
        DOPPEL_UNROLL
        for (size_t f = 0; f < 4; ++f) {
          const V row = hn::Load(d, g + f * count * kLanes);
          DOPPEL_UNROLL
          for (size_t c = 0; c < kColumns; ++c) sum[f][c] = hn::MulAdd(row, column[c], sum[f][c]);
        }
      }
      DOPPEL_UNROLL
      for (size_t f = 0; f < 4; ++f) {
        DOPPEL_UNROLL
        for (size_t c = 0; c < kColumns; ++c) hn::Store(sum[f][c], d, rows[f][c0 + c] + lane);
      }
    }
  }
  HWY_ALIGN float row_sums[kLanes];
  sum_16_rows(d, rows[0][0], row_sums);
  for (size_t k = 0; k < kLanes; k += kStep) {
    hn::Store(hn::Add(hn::Load(d, sums + k), hn::Load(d, row_sums + k)), d, sums + k);
  }
}

// All filters and channels of one point; sums [filter block][channel block][4][4].
HWY_NOINLINE void gradient_products(Lanes d, size_t filter_blocks, size_t channel_blocks,
                                    const float* HWY_RESTRICT gradients,
                                    const float* HWY_RESTRICT values, size_t count,
                                    float* HWY_RESTRICT sums) {
  for (size_t f = 0; f < filter_blocks; ++f) {
    for (size_t c = 0; c < channel_blocks; ++c, sums += 16) {
      gradient_product(d, gradients + f * 4 * count * kLanes, values + c * 4 * count * kLanes,
                       count, sums);
    }
  }
}

// From the sums at the points, [point][filter block][channel block][4][4], to the weights.
template <size_t R, size_t Q>
HWY_NOINLINE void points_to_weights(Lanes d, const Conv3x3& s, const float* HWY_RESTRICT sums,
                                    size_t filter_blocks, size_t channel_blocks,
                                    float* HWY_RESTRICT weight_gradient) {
  const size_t point = filter_blocks * channel_blocks * 16;
  for (size_t b = 0; b < filter_blocks * channel_blocks; ++b) {
    HWY_ALIGN float weights[9][kLanes];
    for (size_t k = 0; k < kLanes; k += kStep) {
      const float* HWY_RESTRICT from = sums + b * 16 + k;
      V half[3][Q + 2];
      DOPPEL_UNROLL
      for (size_t q = 0; q < Q + 2; ++q) {
        V points[R + 2], column[3];
        DOPPEL_UNROLL
        for (size_t r = 0; r < R + 2; ++r)
          points[r] = hn::Load(d, from + (r * (Q + 2) + q) * point);
        Points<R>::weights(d, points, column);
        DOPPEL_UNROLL
        for (size_t r = 0; r < 3; ++r) half[r][q] = column[r];
      }
      DOPPEL_UNROLL
      for (size_t r = 0; r < 3; ++r) {
        V row[3];
        Points<Q>::weights(d, half[r], row);
        DOPPEL_UNROLL
        for (size_t q = 0; q < 3; ++q) hn::Store(row[q], d, weights[r * 3 + q] + k);
      }
    }
    const size_t f0 = b / channel_blocks * 4, c0 = b % channel_blocks * 4;
    for (size_t f = 0; f < std::min<size_t>(4, s.filters - f0); ++f) {
      for (size_t c = 0; c < std::min<size_t>(4, s.in_channels - c0); ++c) {
        float* to = weight_gradient + ((f0 + f) * s.in_channels + c0 + c) * 9;
        for (size_t k = 0; k < 9; ++k) to[k] = weights[k][f * 4 + c];
      }
    }
  }
}

// The rows that fill the last block of 4.
HWY_INLINE void clear_rows(const PointMatrices& matrices, size_t points, size_t begin, size_t end) {
  for (size_t p = 0; p < points; ++p) {
    std::memset(matrices.data + p * matrices.point + begin * matrices.row, 0,
                (end - begin) * matrices.row * sizeof(float));
  }
}

template <size_t R, size_t Q>
HWY_NOINLINE void winograd_weight_gradient(const Conv3x3& s, const float* HWY_RESTRICT x,
                                           const float* HWY_RESTRICT y_gradient,
                                           float* HWY_RESTRICT weight_gradient,
                                           float* HWY_RESTRICT scratch) {
  constexpr size_t kPoints = (R + 2) * (Q + 2);
  const Lanes d;
  const size_t height = s.height(), width = s.width();
  const size_t blocks_wide = (width + Q - 1) / Q, blocks = (height + R - 1) / R * blocks_wide;
  const size_t strips = (blocks + kWinogradBlocks - 1) / kWinogradBlocks;
  const size_t filter_blocks = (s.filters + 3) / 4, channel_blocks = (s.in_channels + 3) / 4;
  const size_t sums_point = filter_blocks * channel_blocks * 16;
  float* sums = scratch;
  float* value_data = sums + kPoints * sums_point;
  float* gradient_data =
      value_data + kPoints * odd_vectors(channel_blocks * 4 * kWinogradBlocks) * kLanes;
  std::memset(sums, 0, kPoints * sums_point * sizeof(float));
  for (size_t k = 0, first = 0; k < strips; ++k) {
    const Strip strip{first, (blocks - first) / (strips - k), blocks_wide};
    first += strip.count;
    const PointMatrices values{value_data, odd_vectors(channel_blocks * 4 * strip.count) * kLanes,
                               strip.count * kLanes};
    const PointMatrices gradients{
        gradient_data, odd_vectors(filter_blocks * 4 * strip.count) * kLanes, strip.count * kLanes};
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      strip_to_points<R, Q, true>(d, x + lane, s.in_channels, s.in_height, s.in_width, s.pad, strip,
                                  kLanes, {values.data + lane, values.point, values.row});
      strip_to_points<R, Q, false>(d, y_gradient + lane, s.filters, height, width, 0, strip, kLanes,
                                   {gradients.data + lane, gradients.point, gradients.row});
    }
    clear_rows(values, kPoints, s.in_channels, channel_blocks * 4);
    clear_rows(gradients, kPoints, s.filters, filter_blocks * 4);
    for (size_t p = 0; p < kPoints; ++p) {
      gradient_products(d, filter_blocks, channel_blocks, gradients.data + p * gradients.point,
                        values.data + p * values.point, strip.count, sums + p * sums_point);
    }
  }
  points_to_weights<R, Q>(d, s, sums, filter_blocks, channel_blocks, weight_gradient);
}

void WinogradForward(const Conv3x3& s, const float* x, const float* prepared, const float* bias,
                     float* y, float* scratch) {
  const bool tall = winograd_block(s.height()) == 4, wide = winograd_block(s.width()) == 4;
  if (tall && wide) {
    winograd_forward<4, 4>(s, x, prepared, bias, y, scratch);
  } else if (tall) {
    winograd_forward<4, 2>(s, x, prepared, bias, y, scratch);
  } else if (wide) {
    winograd_forward<2, 4>(s, x, prepared, bias, y, scratch);
  } else {
    winograd_forward<2, 2>(s, x, prepared, bias, y, scratch);
  }
}

void WinogradWeightGradient(const Conv3x3& s, const float* x, const float* y_gradient,
                            float* weight_gradient, float* bias_gradient, float* scratch) {
  const bool tall = winograd_block(s.height()) == 4, wide = winograd_block(s.width()) == 4;
  if (tall && wide) {
    winograd_weight_gradient<4, 4>(s, x, y_gradient, weight_gradient, scratch);
  } else if (tall) {
    winograd_weight_gradient<4, 2>(s, x, y_gradient, weight_gradient, scratch);
  } else if (wide) {
    winograd_weight_gradient<2, 4>(s, x, y_gradient, weight_gradient, scratch);
  } else {
    winograd_weight_gradient<2, 2>(s, x, y_gradient, weight_gradient, scratch);
  }
  if (bias_gradient != nullptr) {
    sum_planes(Lanes(), y_gradient, s.filters, s.height() * s.width(), bias_gradient);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_WINOGRAD_INL_H_
