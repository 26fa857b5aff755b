// A first look at a photo before it is enrolled: is it lit well enough and sharp enough?
#pragma once

#include "doppel/image/image.h"

namespace doppel::internal {

// 0 (nothing can be seen) to 1: contrast times sharpness.
// * Contrast: the range of grey that holds the middle 90 % of the pixels; half of the whole range
//   or more is 1.
// * Sharpness: that of looks.h; a quarter or more is 1.
// Meant for a picture at the size a model looks at it, of at least 3 x 3 pixels; smaller ones are
// 0. Rough: it does not see a turned head. Compare ISO/IEC 29794-5.
double image_quality(const Image& image);

}  // namespace doppel::internal
