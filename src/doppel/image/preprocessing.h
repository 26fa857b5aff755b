// From a picture to a network's input: every picture is brought to one size, then thinned out. What
// was done in training is stored in the model and done again with every probe.
#pragma once

#include <cstddef>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/image/image.h"

namespace doppel {

// Pictures become width x height (resized where they are not), then every step-th row and column
// from index 0 is kept: image[::step, ::step]. Values stay in [0, 1].
struct Preprocessing {
  int width = 92;
  int height = 112;
  int step = 2;

  size_t input_height() const { return static_cast<size_t>((height + step - 1) / step); }
  size_t input_width() const { return static_cast<size_t>((width + step - 1) / step); }
};

// One row of input_height x input_width values (row by row) for each image.
Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing);

}  // namespace doppel
