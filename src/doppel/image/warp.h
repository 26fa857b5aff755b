// A network input bent, turned, scaled or shifted: what augmentation and test-time views share.
#pragma once

#include <cstddef>
#include <span>

namespace doppel::internal {

// One channel, row by row from the top.
struct ImageShape {
  size_t height = 0;
  size_t width = 0;

  size_t size() const { return height * width; }
};

// Where the new pixel at (x, y) comes from, both in pixels from the picture's centre:
//   source = (xx x + xy y + shift_x,  yx x + yy y + shift_y).
struct Affine {
  double xx = 1, xy = 0, shift_x = 0;
  double yx = 0, yy = 1, shift_y = 0;

  friend bool operator==(const Affine&, const Affine&) = default;
};

// out(x, y) = in at its source, bilinear between pixel centres, the border repeated: PyTorch's
// grid_sample with align_corners=False and padding_mode="border". The identity and mirroring
// (xx = -1) give the input's very values. `displacement` is empty or holds pixels to be added to
// the sources, first all of x, then all of y, 2 x size. The bits do not depend on the instruction
// set. Throws Error(mismatch) where in or out are not of `shape`, displacement not twice.
void warp(ImageShape shape, std::span<const float> in, const Affine& affine,
          std::span<const float> displacement, std::span<float> out);

// Every row reversed; exact. Throws Error(mismatch) as warp() does.
void mirror(ImageShape shape, std::span<const float> in, std::span<float> out);

}  // namespace doppel::internal
