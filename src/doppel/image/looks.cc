#include "doppel/image/looks.h"

#include <algorithm>
#include <cmath>

#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

constexpr double kNoContrast = 1e-6;  // rounding errors have as much

double deviation(double sum, double squares, double n) {
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

}  // namespace

Looks measure_looks(const Image& image) {
  if (image.width < 3 || image.height < 3) return {};
  double sum = 0, squares = 0, edge_sum = 0, edge_squares = 0, n = 0;
  for (int y = 1; y + 1 < image.height; ++y) {
    for (int x = 1; x + 1 < image.width; ++x) {
      const double value = image.at(y, x);
      const double around = (double{image.at(y - 1, x)} + image.at(y + 1, x) + image.at(y, x - 1) +
                             image.at(y, x + 1)) /
                            4;
      sum += value;
      squares += value * value;
      edge_sum += value - around;
      edge_squares += (value - around) * (value - around);
      n += 1;
    }
  }
  Looks looks;
  looks.brightness = sum / n;
  const double contrast = deviation(sum, squares, n);
  if (contrast < kNoContrast) return looks;
  looks.contrast = contrast;
  looks.sharpness = deviation(edge_sum, edge_squares, n) / contrast;
  return looks;
}

Looks measure_looks(const Image& image, const Preprocessing& preprocessing) {
  return measure_looks(resize(image, preprocessing.width, preprocessing.height));
}

}  // namespace doppel::internal
