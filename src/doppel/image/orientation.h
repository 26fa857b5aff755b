// EXIF data and a picture as its file stores it in, the picture upright out: behind the decoders of
// what cameras write.
#pragma once

#include <string_view>

#include "doppel/image/image.h"

namespace doppel::internal {

// The orientation (tag 0x0112, 1 to 8) in EXIF data: a TIFF header and its first directory (Exif
// 2.3, 4.5 and 4.6). 1, upright, where there is none or the data are damaged.
int exif_orientation(std::string_view tiff);

// The picture as it is meant to be seen, from rows and columns as they are stored, colours along.
Image upright(Image stored, int orientation);

}  // namespace doppel::internal
