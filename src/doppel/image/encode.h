// Pictures in, the bytes of an image file out: what contact sheets and synthetic faces are saved
// as.
#pragma once

#include <string>

#include "doppel/image/image.h"

namespace doppel::internal {

// Grey values are rounded to the nearest of 0..255; values outside [0, 1] are clamped, and what is
// not a number becomes black. All throw Error(bad_argument) for a size outside size_limits.h or a
// pixel count that is not width x height.
std::string encode_pgm(const Image& image);  // binary PGM (P5), maxval 255
std::string encode_png(const Image& image);  // 8-bit grey
std::string encode_png(const RgbImage& image);

}  // namespace doppel::internal
