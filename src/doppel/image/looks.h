// How a picture looks, whoever is on it: pictures of one camera, one light and one framing look
// alike.
#pragma once

#include "doppel/image/image.h"
#include "doppel/image/preprocessing.h"

namespace doppel::internal {

struct Looks {
  double brightness = 0;  // the mean grey, 0 to 1
  double contrast = 0;    // the deviation of grey
  // The deviation of the Laplacian (each pixel minus the mean of its four neighbours) over that of
  // the picture. Blur and enlarging make it small.
  double sharpness = 0;
};

// The border of one pixel counts for nothing. All 0 of less than 3 x 3 pixels; of one grey,
// contrast and sharpness are 0.
Looks measure_looks(const Image& image);
// The same at the size that a model looks at it.
Looks measure_looks(const Image& image, const Preprocessing& preprocessing);

}  // namespace doppel::internal
