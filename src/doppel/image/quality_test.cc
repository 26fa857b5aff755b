#include "doppel/image/quality.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

// Squares of 2 x 2 pixels, black and white.
Image checkers(int size) {
  Image image{size, size,
              std::vector<float>(static_cast<size_t>(size) * static_cast<size_t>(size))};
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) image.at(y, x) = (x / 2 + y / 2) % 2 == 0 ? 1.0f : 0.0f;
  }
  return image;
}

Image dimmed(Image image, float contrast) {
  for (float& value : image.pixels) value = 0.2f + contrast * value;
  return image;
}

TEST(Quality, FallsWithTheLight) {
  const Image image = checkers(32);
  EXPECT_EQ(image_quality(image), 1);
  EXPECT_NEAR(image_quality(dimmed(image, 0.25f)), 0.5, 1e-6);
  EXPECT_NEAR(image_quality(dimmed(image, 0.05f)), 0.1, 1e-6);
  EXPECT_EQ(image_quality(dimmed(image, 0)), 0);
}

TEST(Quality, FallsWithBlur) {
  const Image sharp = checkers(16);
  const double once = image_quality(resize(resize(sharp, 12, 12), 46, 46));
  const double twice = image_quality(resize(resize(sharp, 12, 12), 92, 92));
  EXPECT_LT(once, 0.8);
  EXPECT_LT(twice, once / 2);
  EXPECT_GT(twice, 0);
}

// Of a model that takes larger pictures no photo would be good enough.
TEST(Quality, OfALargePictureIsThatOfTheSmallOneItShows) {
  const Image small = resize(resize(checkers(32), 40, 40), 92, 92);
  EXPECT_NEAR(image_quality(resize(small, 184, 184)), image_quality(small), 0.1);
  EXPECT_GT(image_quality(resize(small, 150, 150)), 0.15);
}

TEST(Quality, OfNoPictureToSpeakOf) {
  EXPECT_EQ(image_quality({}), 0);
  EXPECT_EQ(image_quality({2, 5, std::vector<float>(10, 0.5f)}), 0);
}

}  // namespace
}  // namespace doppel::internal
