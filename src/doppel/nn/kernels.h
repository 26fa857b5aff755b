// The arithmetic of the engine, on tiles of 16 images: one value of 16 images fills one (or two, or
// four) SIMD registers, so every operation runs at full width whatever the number of channels.
// Plain pointers and sizes; each function picks the best instruction set of this CPU at run time.
//
// A tile is [channel][row][column][16 images]. Pointers to tiles are aligned to 64 bytes. Sums run
// in one order on every instruction set with fused multiply-add, so these give equal bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace doppel::internal {

inline constexpr size_t kLanes = 16;  // images in a tile

// One bit for each of a tile's images.
using LaneBits = uint16_t;

// Images to tile: out[i][lane] = rows[lane][i] for i < n; a null row gives zeros.
void rows_to_tile(const float* const* rows, size_t n, float* tile);
// And back: rows[lane][i] = tile[i][lane]; null rows are passed over.
void tile_to_rows(const float* tile, size_t n, float* const* rows);

// Which of n values of 16 images dropout keeps: value i of image `slot + lane` in `step` is kept
// where its 16 random bits (Philox, keyed by `seed`, this layer and those numbers alone) are at
// least `threshold` of 65536.
struct DropoutDraw {
  uint64_t seed;
  uint32_t step;
  uint16_t layer;
  uint32_t slot;       // of the tile's first image in the batch
  uint32_t threshold;  // round(rate * 65536), at most 65535
};
void draw_kept(const DropoutDraw& draw, size_t n, LaneBits* kept);

// Convolution 3x3 (valid), ReLU, max-pool 2, dropout, in one pass over a tile.
// Pooled height and width are (extent - 2) / 2, rounded down.
struct ConvPool {
  size_t in_channels, in_height, in_width, filters;

  size_t height() const { return (in_height - 2) / 2; }
  size_t width() const { return (in_width - 2) / 2; }
  // Gradients and choices lie in a frame of one cell around the pooled values.
  size_t framed_size() const { return filters * (height() + 2) * (width() + 2); }
};
// Which of its four values a pooled cell took: not set is left, up (and the first of equals).
struct PoolChoice {
  LaneBits right, down;
};
// y [filters][height][width][16]; `kept` (as many, null for none) and `scale` are dropout's.
// choice [framed_size], null in inference.
void conv_pool_forward(const ConvPool& shape, const float* x, const float* weight,
                       const float* bias, const LaneBits* kept, float scale, float* y,
                       PoolChoice* choice);
// routed [framed_size][16] = the gradient that passes ReLU and dropout; its frame is set to zero.
// Where y is 0, nothing passes. bias_gradient [filters].
void conv_pool_route(const ConvPool& shape, const float* y, const float* y_gradient, float scale,
                     float* routed, float* bias_gradient);
void conv_pool_weight_gradient(const ConvPool& shape, const float* x, const float* routed,
                               const PoolChoice* choice, float* weight_gradient);
void conv_pool_input_gradient(const ConvPool& shape, const float* weight, const float* routed,
                              const PoolChoice* choice, float* x_gradient);

// Any convolution, on an input that already holds its padding.
struct ConvPlain {
  size_t in_channels, in_height, in_width, filters, kernel, stride;

  size_t height() const { return (in_height - kernel) / stride + 1; }
  size_t width() const { return (in_width - kernel) / stride + 1; }
};
// y [filters][height][width][16]; bias may be null (none).
void conv_forward(const ConvPlain& shape, const float* x, const float* weight, const float* bias,
                  float* y);
// bias_gradient may be null (not wanted).
void conv_weight_gradient(const ConvPlain& shape, const float* x, const float* y_gradient,
                          float* weight_gradient, float* bias_gradient);
// x_gradient as x. The output's gradient stands in a frame of kernel - 1 zeros: framed
// [filters][height + 2 (kernel - 1)][width + 2 (kernel - 1)][16].
void conv_input_gradient(const ConvPlain& shape, const float* framed, const float* weight,
                         float* x_gradient);

// y = max(x, 0), then dropout (kept may be null, scale 1), n values of 16 images; y may be x.
// With `relu` false only the dropout.
void activate(const float* x, size_t n, bool relu, const LaneBits* kept, float scale, float* y);
// x_gradient = y_gradient * scale where y is not 0 (relu) and the value was kept; else 0.
// x_gradient may be y_gradient.
void activate_gradient(const float* y, const float* y_gradient, size_t n, bool relu,
                       const LaneBits* kept, float scale, float* x_gradient);

// y = min(max(x, 0), most), n values of 16 images; y may be x.
void clamp(const float* x, size_t n, float most, float* y);
// x_gradient = y_gradient where y lies between 0 and `most`; else 0. It may be y_gradient.
void clamp_gradient(const float* y, const float* y_gradient, size_t n, float most,
                    float* x_gradient);

// Max-pool size x size, stride size, of `channels` planes of height x width.
void max_pool(const float* x, size_t channels, size_t height, size_t width, size_t size, float* y);
// The gradient goes to the first of the largest values; everything else is set to zero.
void max_pool_gradient(const float* x, const float* y, const float* y_gradient, size_t channels,
                       size_t height, size_t width, size_t size, float* x_gradient);

// Batch normalisation, perhaps with a shortcut added, ReLU, and max-pool 2 behind it.
struct Norm {
  size_t channels, height, width;
  bool relu, pool;

  size_t out_plane() const { return pool ? height / 2 * (width / 2) : height * width; }
};
// Each of them holds a value per channel. scale = weight * inverse, shift = bias - mean * scale.
struct NormSettings {
  const float *mean, *inverse;  // 1 / sqrt(variance + epsilon)
  const float *scale, *shift;
  const float *mean_gradient, *mean_product;  // over the batch, of dz and of dz * normalised x
};
// sums[2c], sums[2c+1]: the mean of channel c over the tile's first `images` images and their
// pixels, and the sum of squared differences from it.
void norm_measure(const float* x, size_t channels, size_t plane, size_t images, float* sums);
// y = pool(relu(x * scale + shift + skip)); skip may be null.
void norm_forward(const Norm& shape, const float* x, const NormSettings& settings,
                  const float* skip, float* y);
// With dz, the gradient that y_gradient leaves before ReLU and pool (to the first of equally large
// values): sums[2c] of dz, sums[2c+1] of dz times the normalised x.
void norm_gradient_sums(const Norm& shape, const float* x, const NormSettings& settings,
                        const float* skip, const float* y, const float* y_gradient, float* sums);
// x_gradient = scale (dz - mean_gradient - normalised x * mean_product), zero behind the first
// `images` images; skip_gradient = dz. Each may be null.
void norm_gradient(const Norm& shape, const float* x, const NormSettings& settings,
                   const float* skip, const float* y, const float* y_gradient, size_t images,
                   float* x_gradient, float* skip_gradient);

// The mean of each of `channels` planes of `plane` values.
void plane_means(const float* x, size_t channels, size_t plane, float* y);
void plane_means_gradient(const float* y_gradient, size_t channels, size_t plane,
                          float* x_gradient);

// y = x / max(|x|, 1e-12) for vectors of n values.
void unit_length(const float* x, size_t n, float* y);
void unit_length_gradient(const float* x, const float* y, const float* y_gradient, size_t n,
                          float* x_gradient);

// n vectors of 16: sum = a + b; sum may be one of them.
void add_values(const float* a, const float* b, size_t n, float* sum);

// C[m][v] = start[m] + sum over k of A[m][k] * B[k][v], where m < rows, k runs over
// outer x inner, and v over `vectors` vectors of 16 floats. A is read as single values, B and C as
// vectors; strides are in floats.
struct Product {
  size_t rows, outer, inner, vectors;
  size_t a_row, a_outer, a_inner;
  size_t b_outer, b_inner, b_vector;
  size_t c_row, c_vector;
};
// start may be null: sums start at 0.
void multiply(const Product& product, const float* a, const float* b, const float* start, float* c);

// sums[r] = the sum over tiles and their lanes of tile t's value r, at values + t * tile_stride.
void sum_lanes(const float* values, size_t n, size_t tiles, size_t tile_stride, float* sums);

}  // namespace doppel::internal
