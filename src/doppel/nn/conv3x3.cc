// Compiles Winograd's filtering once per instruction set and calls that of the one in use; prepares
// weights; frames images for the plain kernels of shapes with few channels.
#include "doppel/nn/conv3x3.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/nn/conv3x3.cc"
#include "hwy/foreach_target.h"  // must come before highway.h

// clang-format off
#include "hwy/highway.h"
#include "doppel/nn/winograd-inl.h"
// clang-format on

#if HWY_ONCE

#include <cstring>

namespace doppel::internal {

HWY_EXPORT(WinogradForward);
HWY_EXPORT(WinogradWeightGradient);

namespace {

// With few channels, going to the points and back costs more than it saves.
bool is_direct(const Conv3x3& s) { return std::min(s.in_channels, s.filters) < 4; }

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// Of 4 filters at a time, so that the compiler has vectors to work on.
using Four = float[kWinogradFilters];

void combine(const float (&g)[3], const Four& a, const Four& b, const Four& c, float* out) {
  for (size_t f = 0; f < kWinogradFilters; ++f) out[f] = g[0] * a[f] + g[1] * b[f] + g[2] * c[f];
}

// prepared [point][filters / 4][channels][4] = G w G^T of the kernel at weight + f * filter_stride
// + c * channel_stride, whose 9 values run backwards where `turned`. The last filters are zero.
void prepare(const Conv3x3& s, const float* weight, size_t filter_stride, size_t channel_stride,
             bool turned, float* prepared) {
  const size_t tall = winograd_block(s.height()) + 2, wide = winograd_block(s.width()) + 2;
  const size_t stride = winograd_weight_stride(s);
  WeightPoints down, across;
  weight_points(tall - 2, down);
  weight_points(wide - 2, across);
  for (size_t f0 = 0; f0 < s.filters; f0 += kWinogradFilters) {
    const size_t filters = std::min(kWinogradFilters, s.filters - f0);
    for (size_t c = 0; c < s.in_channels; ++c, prepared += kWinogradFilters) {
      Four w[9] = {};
      for (size_t f = 0; f < filters; ++f) {
        const float* from = weight + (f0 + f) * filter_stride + c * channel_stride;
        for (size_t k = 0; k < 9; ++k) w[turned ? 8 - k : k][f] = from[k];
      }
      for (size_t r = 0; r < tall; ++r) {
        Four row[3];
        for (size_t k = 0; k < 3; ++k) combine(down[r], w[k], w[3 + k], w[6 + k], row[k]);
        for (size_t q = 0; q < wide; ++q) {
          combine(across[q], row[0], row[1], row[2], prepared + (r * wide + q) * stride);
        }
      }
    }
  }
}

size_t framed_floats(const Conv3x3& s) {
  return s.in_channels * (s.in_height + 2 * s.pad) * (s.in_width + 2 * s.pad) * kLanes;
}

// x in its rings of zeros; x itself if there are none.
const float* framed(const Conv3x3& s, const float* x, float* scratch) {
  if (s.pad == 0) return x;
  const size_t side = s.pad * kLanes, row = s.in_width * kLanes, above = s.pad * (row + 2 * side);
  float* to = scratch;
  const auto zeros = [&to](size_t n) { to = std::fill_n(to, n, 0.0f); };
  for (size_t c = 0; c < s.in_channels; ++c) {
    zeros(above);
    for (size_t i = 0; i < s.in_height; ++i, x += row) {
      zeros(side);
      to = std::copy_n(x, row, to);
      zeros(side);
    }
    zeros(above);
  }
  return scratch;
}

ConvPlain plain(const Conv3x3& s) {
  return {s.in_channels, s.in_height + 2 * s.pad, s.in_width + 2 * s.pad, s.filters, 3, 1};
}

size_t forward_scratch(const Conv3x3& s) {
  if (is_direct(s)) return framed_floats(s);
  return winograd_points(s) *
         (odd_vectors(s.in_channels * kWinogradBlocks) +
          odd_vectors(std::min(kWinogradGroup, round_up(s.filters, 4)) * kWinogradBlocks)) *
         kLanes;
}

size_t weight_gradient_scratch(const Conv3x3& s) {
  if (is_direct(s)) return framed_floats(s);
  const size_t filters = round_up(s.filters, 4), channels = round_up(s.in_channels, 4);
  return winograd_points(s) * (filters * channels + (odd_vectors(channels * kWinogradBlocks) +
                                                     odd_vectors(filters * kWinogradBlocks)) *
                                                        kLanes);
}

}  // namespace

size_t conv3x3_prepared_floats(const Conv3x3& s) {
  return is_direct(s) ? round_up(s.filters * s.in_channels * 9, 16)
                      : winograd_points(s) * winograd_weight_stride(s);
}

void conv3x3_prepare(const Conv3x3& s, const float* weight, float* prepared) {
  if (is_direct(s)) {
    std::memcpy(prepared, weight, s.filters * s.in_channels * 9 * sizeof(float));
  } else {
    prepare(s, weight, s.in_channels * 9, 9, false, prepared);
  }
}

size_t conv3x3_turned_floats(const Conv3x3& s) { return conv3x3_prepared_floats(s.turned()); }

void conv3x3_prepare_turned(const Conv3x3& s, const float* weight, float* turned) {
  if (!is_direct(s)) return prepare(s.turned(), weight, 9, s.in_channels * 9, true, turned);
  for (size_t f = 0; f < s.filters; ++f) {
    for (size_t c = 0; c < s.in_channels; ++c) {
      for (size_t k = 0; k < 9; ++k) {
        turned[(c * s.filters + f) * 9 + 8 - k] = weight[(f * s.in_channels + c) * 9 + k];
      }
    }
  }
}

size_t conv3x3_scratch_floats(const Conv3x3& s) {
  return std::max({forward_scratch(s), forward_scratch(s.turned()), weight_gradient_scratch(s)});
}

void conv3x3_forward(const Conv3x3& s, const float* x, const float* prepared, const float* bias,
                     float* y, float* scratch) {
  if (is_direct(s)) {
    conv_forward(plain(s), framed(s, x, scratch), prepared, bias, y);
  } else {
    HWY_DYNAMIC_DISPATCH(WinogradForward)(s, x, prepared, bias, y, scratch);
  }
}

void conv3x3_input_gradient(const Conv3x3& s, const float* y_gradient, const float* turned,
                            float* x_gradient, float* scratch) {
  conv3x3_forward(s.turned(), y_gradient, turned, nullptr, x_gradient, scratch);
}

void conv3x3_weight_gradient(const Conv3x3& s, const float* x, const float* y_gradient,
                             float* weight_gradient, float* bias_gradient, float* scratch) {
  if (is_direct(s)) {
    conv_weight_gradient(plain(s), framed(s, x, scratch), y_gradient, weight_gradient,
                         bias_gradient);
  } else {
    HWY_DYNAMIC_DISPATCH(WinogradWeightGradient)
    (s, x, y_gradient, weight_gradient, bias_gradient, scratch);
  }
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
