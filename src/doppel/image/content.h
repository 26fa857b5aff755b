// Does a picture show anything? Pixels come in; how much structure there is at the scale of a
// face's features goes out, and whether that is more than one grey, a gradient or noise would have.
#pragma once

#include "doppel/image/image.h"

namespace doppel::internal {

// Of the means of 12 x 12 cells that part the picture. What a polynomial of degree 4 in row and
// column explains, as it does gradients, vignettes and spotlights, is taken away; the structure is
// the deviation of what is left.
struct PictureContent {
  double structure = 0;    // in parts of the range of grey, 0 .. 1
  double of_contrast = 0;  // the structure over the deviation of the cells' means
  double of_noise = 0;     // the structure over what pixels that vary by themselves, as much as
                           // those within a cell do, would make of it: about 1 where it is noise
};

// All 0 of a picture with less than two pixels to a cell in either direction, which shows no face.
PictureContent picture_content(const Image& image);

// Whether there is something on the picture that may be a face: not whether it is one. One grey,
// smooth gradients and noise are nothing; but noise that JPEG has smoothed on a picture of less
// than 60 pixels may pass.
bool shows_something(const Image& image);

// Whether it surely shows nothing: large enough to be told from a small picture of something.
bool is_blank(const Image& image);

}  // namespace doppel::internal
