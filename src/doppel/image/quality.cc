#include "doppel/image/quality.h"

#include <algorithm>
#include <vector>

#include "doppel/image/looks.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

constexpr double kFullContrast = 0.5, kFullSharpness = 0.25;
constexpr int kMostWidth = 92;  // sharpness is of neighbouring pixels, so it takes one scale

}  // namespace

double image_quality(const Image& image) {
  if (image.width < 3 || image.height < 3) return 0;
  if (image.width > kMostWidth) {
    const auto width = static_cast<size_t>(image.width), height = static_cast<size_t>(image.height);
    const size_t reduced = (height * kMostWidth + width / 2) / width;
    const Image grey{image.width, image.height, image.pixels};
    return image_quality(resize(grey, kMostWidth, static_cast<int>(std::max<size_t>(reduced, 1))));
  }
  std::vector<float> grey = image.pixels;
  const auto at_share = [&](double share) {
    const auto place = static_cast<ptrdiff_t>(share * static_cast<double>(grey.size() - 1));
    std::nth_element(grey.begin(), grey.begin() + place, grey.end());
    return double{grey[static_cast<size_t>(place)]};
  };
  const double contrast = (at_share(0.95) - at_share(0.05)) / kFullContrast;
  const double sharpness = measure_looks(image).sharpness / kFullSharpness;
  return std::clamp(contrast, 0.0, 1.0) * std::clamp(sharpness, 0.0, 1.0);
}

}  // namespace doppel::internal
