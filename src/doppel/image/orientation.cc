#include "doppel/image/orientation.h"

#include <algorithm>
#include <cstdint>

namespace doppel::internal {

int exif_orientation(std::string_view tiff) {
  using namespace std::string_view_literals;
  const bool little = tiff.starts_with("II*\0"sv);
  if (!little && !tiff.starts_with("MM\0*"sv)) return 1;
  // Zero for bytes outside: no tag, type or count that is looked for here is zero.
  const auto number = [&](uint64_t at, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size && at + size <= tiff.size(); ++i) {
      value = value << 8 | static_cast<uint8_t>(tiff[at + (little ? size - 1 - i : i)]);
    }
    return value;
  };
  const uint64_t directory = number(4, 4);
  const uint32_t entries = number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + uint64_t{12} * i;
    constexpr uint32_t kOrientation = 0x0112, kShort = 3;
    if (number(entry, 2) != kOrientation || number(entry + 2, 2) != kShort) continue;
    const uint32_t value = number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(Image stored, int orientation) {
  if (orientation == 1) return stored;
  const bool turned = orientation >= 5;
  Image image;
  image.width = turned ? stored.height : stored.width;
  image.height = turned ? stored.width : stored.height;
  image.divisor = stored.divisor;
  image.pixels.resize(stored.pixels.size());
  image.colors.resize(stored.colors.size());
  float* color = image.colors.data();
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      int row = turned ? x : y, column = turned ? y : x;
      // Where the stored first row is seen: top 1 2, bottom 3 4, left 5 8, right 6 7; the first
      // column: left 1 4, right 2 3, top 5 6, bottom 7 8.
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        row = stored.height - 1 - row;
      }
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        column = stored.width - 1 - column;
      }
      image.at(y, x) = stored.at(row, column);
      if (stored.colors.empty()) continue;
      const size_t from = static_cast<size_t>(row) * static_cast<size_t>(stored.width) +
                          static_cast<size_t>(column);
      color = std::copy_n(stored.colors.data() + 3 * from, 3, color);
    }
  }
  return image;
}

}  // namespace doppel::internal
