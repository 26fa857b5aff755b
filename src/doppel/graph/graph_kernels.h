// The arithmetic of a graph, with channels in the SIMD lanes: a value of one image is
// [row][column][channel], its channels padded to blocks of 16, so that every operation runs at full
// width for a single image, too. Plain pointers and sizes; each function picks the best instruction
// set of this CPU at run time. Sums run in one order on every instruction set with fused
// multiply-add, and do not depend on what is computed beside them, so these give equal bits.
#pragma once

#include <cstddef>

namespace doppel::internal {

inline constexpr size_t kBlock = 16;  // channels

// y[r] = start + the sum over taps and depth of x[r][tap offset + i] * weight[tap][i], for blocks
// of 16 outputs: a convolution is one for every place, a product of matrices one with a single tap.
struct RowProduct {
  size_t taps, depth, blocks;
  const size_t* tap_offsets;  // [taps], in floats
  const float* weight;        // [block][tap][depth][16], aligned to 64 bytes
  const float* bias;          // where sums start, [blocks * 16]; null: at 0
  bool relu;                  // y = max(y, 0), after what `skip` adds
};
// skip[r], blocks * 16 values that are added; `skip` may be null. y[r] may be skip[r].
void multiply_rows(const RowProduct& product, const float* const* x, const float* const* skip,
                   float* const* y, size_t rows);

// Winograd's filtering of 3x3 at stride 1 in blocks of 4 x 4 outputs: 36 points.
inline constexpr size_t kPoints = 36;
// The 6 x 6 pixels from x on to the points: points[p * stride + channel].
void tile_to_points(const float* x, size_t pixel, size_t row, size_t channels, float* points,
                    size_t stride);
// And back to the first `height` x `width` of 4 x 4 pixels at y: with bias [channels], skip (as y;
// may be null), and max(.., 0) where `relu`.
struct TileOutput {
  size_t height, width, channels, pixel, row;
  size_t skip_pixel, skip_row;
  const float* bias;
  bool relu;
};
void points_to_tile(const float* points, size_t stride, const TileOutput& output, const float* skip,
                    float* y);

// The largest of `rows` x `columns` pixels at x, and their mean; channels values.
struct PoolWindow {
  size_t rows, columns, channels, pixel, row;
};
void window_max(const PoolWindow& window, const float* x, float* y);
void window_mean(const PoolWindow& window, const float* x, float* y);

// y = a + b, then max(y, 0) where `relu`; a null a or b is 0. n is a multiple of 16.
void sum_values(const float* a, const float* b, size_t n, bool relu, float* y);

}  // namespace doppel::internal
