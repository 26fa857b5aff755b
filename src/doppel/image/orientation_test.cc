#include "doppel/image/orientation.h"

#include <gtest/gtest.h>

#include "doppel/image/exif_bytes.h"

namespace doppel::internal {
namespace {

TEST(Orientation, IsReadInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(exif_bytes(orientation, true)), orientation);
    EXPECT_EQ(exif_orientation(exif_bytes(orientation, false)), orientation);
  }
}

TEST(Orientation, IsUprightWhereTheDataSayNothingUsable) {
  EXPECT_EQ(exif_orientation(""), 1);
  EXPECT_EQ(exif_orientation(exif_bytes(9, true)), 1);
  EXPECT_EQ(exif_orientation("XX" + exif_bytes(6, true).substr(2)), 1);
  const std::string whole = exif_bytes(6, true);
  EXPECT_EQ(exif_orientation(whole.substr(0, 30)), 1);  // cut before the second entry's value
}

// 2 x 1: turned right, 1 x 2, its left pixel at the top; colours with their pixels.
TEST(Orientation, TurnsColoursAlong) {
  const Image stored{2, 1, {0.1f, 0.2f}, {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f}};
  const Image right = upright(stored, 6);
  EXPECT_EQ(right.width, 1);
  EXPECT_EQ(right.height, 2);
  EXPECT_EQ(right.pixels, stored.pixels);
  EXPECT_EQ(right.colors, stored.colors);
  const Image mirrored = upright(stored, 2);
  EXPECT_EQ(mirrored.pixels, (std::vector<float>{0.2f, 0.1f}));
  EXPECT_EQ(mirrored.colors, (std::vector<float>{0.4f, 0.5f, 0.6f, 0.1f, 0.2f, 0.3f}));
}

}  // namespace
}  // namespace doppel::internal
