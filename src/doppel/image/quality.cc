#include "doppel/image/quality.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace doppel {
namespace {

constexpr double kFullContrast = 0.5, kFullSharpness = 0.25;

double deviation(double sum, double squares, double n) {
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

}  // namespace

double image_quality(const Image& image) {
  if (image.width < 3 || image.height < 3) return 0;
  std::vector<float> grey = image.pixels;
  const auto at_share = [&](double share) {
    const auto place = static_cast<ptrdiff_t>(share * static_cast<double>(grey.size() - 1));
    std::nth_element(grey.begin(), grey.begin() + place, grey.end());
    return double{grey[static_cast<size_t>(place)]};
  };
  const double contrast = (at_share(0.95) - at_share(0.05)) / kFullContrast;
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
  const double whole = deviation(sum, squares, n);
  if (whole < 1e-6) return 0;
  const double sharpness = deviation(edge_sum, edge_squares, n) / whole / kFullSharpness;
  return std::clamp(contrast, 0.0, 1.0) * std::clamp(sharpness, 0.0, 1.0);
}

}  // namespace doppel
