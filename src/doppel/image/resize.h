// An image in, the same picture with another number of pixels out: what brings a data set's images
// to one size.
#pragma once

#include "doppel/image/image.h"

namespace doppel::internal {

// `image` at width x height, each axis by itself: where it shrinks, the average over the area a new
// pixel covers; where it grows, linear between pixel centres, the border repeated. An axis of the
// same size keeps its values, to the bit. Values stay within the range of the image's own. Colours
// become what grey does, each channel by itself.
// Throws Error(bad_argument) for a size outside size_limits.h or an image without pixels.
Image resize(const Image& image, int width, int height);

// Every step-th row and column from index 0, image[::step, ::step]: 92 x 112 by 2 is 46 x 56.
// Colours are kept with their pixels.
// Throws Error(bad_argument) for a step below 1 or an image without pixels.
Image subsample(const Image& image, int step);

}  // namespace doppel::internal
