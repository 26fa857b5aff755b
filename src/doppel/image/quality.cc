#include "doppel/image/quality.h"

#include <algorithm>
#include <vector>

#include "doppel/image/looks.h"

namespace doppel::internal {
namespace {

constexpr double kFullContrast = 0.5, kFullSharpness = 0.25;

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
  const double sharpness = measure_looks(image).sharpness / kFullSharpness;
  return std::clamp(contrast, 0.0, 1.0) * std::clamp(sharpness, 0.0, 1.0);
}

}  // namespace doppel::internal
