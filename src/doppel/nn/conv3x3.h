// Convolution 3x3 with stride 1 on tiles of 16 images (see kernels.h for the layout), fast where
// there are many channels: Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2016), which needs up to 4 times fewer multiplications; plain
// sums where there are few. Which of the two depends on the shape alone, and sums run in one order,
// so bits are equal on every instruction set with fused multiply-add and any number of threads. All
// pointers are aligned to 64 bytes; nothing here allocates.
#pragma once

#include <cstddef>

namespace doppel::internal {

struct Conv3x3 {
  size_t in_channels, in_height, in_width, filters;
  size_t pad;  // rings of zeros around the input: 0, 1 (height and width stay), 2 (each grows by 2)

  size_t height() const { return in_height + 2 * pad - 2; }  // at least 1
  size_t width() const { return in_width + 2 * pad - 2; }
  // The convolution of the output's gradient that gives the input's.
  Conv3x3 turned() const { return {filters, height(), width(), in_channels, 2 - pad}; }
};

// Weights in the form that the functions below read; once per step, for all tiles.
// weight is [filters][channels][3][3], a cross-correlation as in PyTorch.
size_t conv3x3_prepared_floats(const Conv3x3& shape);
void conv3x3_prepare(const Conv3x3& shape, const float* weight, float* prepared);
// And turned by half, for the input gradient.
size_t conv3x3_turned_floats(const Conv3x3& shape);
void conv3x3_prepare_turned(const Conv3x3& shape, const float* weight, float* turned);

// Scratch for any of the functions below; its contents mean nothing before and after.
size_t conv3x3_scratch_floats(const Conv3x3& shape);

// One tile. x [in_channels][in_height][in_width][16], y [filters][height][width][16],
// bias [filters] or null (none).
void conv3x3_forward(const Conv3x3& shape, const float* x, const float* prepared, const float* bias,
                     float* y, float* scratch);
// x_gradient as x.
void conv3x3_input_gradient(const Conv3x3& shape, const float* y_gradient, const float* turned,
                            float* x_gradient, float* scratch);
// The sums over the tile's 16 images. weight_gradient [filters][in_channels][3][3],
// bias_gradient [filters] or null (not wanted).
void conv3x3_weight_gradient(const Conv3x3& shape, const float* x, const float* y_gradient,
                             float* weight_gradient, float* bias_gradient, float* scratch);

}  // namespace doppel::internal
