// A first look at a photo before it is enrolled: is it lit well enough and sharp enough?
#pragma once

#include "doppel/image/image.h"

namespace doppel::internal {

// 0 (nothing can be seen) to 1: contrast times sharpness.
// * Contrast: the range of grey that holds the middle 90 % of the pixels; half of the whole range
//   or more is 1.
// * Sharpness: that of looks.h; a quarter or more is 1.
// A picture of more than 92 pixels' width is judged as it looks at that width; one of less than
// 3 x 3 pixels is 0. Rough: it does not see a turned head. Compare ISO/IEC 29794-5.
double image_quality(const Image& image);

}  // namespace doppel::internal
