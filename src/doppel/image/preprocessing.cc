#include "doppel/image/preprocessing.h"

#include <algorithm>

#include "doppel/image/resize.h"

namespace doppel {

Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing) {
  Matrix rows(images.size(), preprocessing.input_height() * preprocessing.input_width());
  for (size_t i = 0; i < images.size(); ++i) {
    const Image small =
        subsample(resize(images[i], preprocessing.width, preprocessing.height), preprocessing.step);
    std::copy(small.pixels.begin(), small.pixels.end(), rows.row(i).begin());
  }
  return rows;
}

}  // namespace doppel
