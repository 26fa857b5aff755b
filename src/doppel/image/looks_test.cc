#include "doppel/image/looks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

// Stripes of `period` columns around `middle`, `swing` darker and lighter.
Image stripes(int period, double middle, double swing) {
  Image image{46, 56, std::vector<float>(size_t{46} * 56)};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      image.at(y, x) = static_cast<float>(middle + (x / (period / 2) % 2 == 0 ? -swing : swing));
    }
  }
  return image;
}

TEST(Looks, AreThoseOfAPictureOfStripes) {
  const Looks looks = measure_looks(stripes(2, 0.4, 0.1));
  EXPECT_NEAR(looks.brightness, 0.4, 1e-6);
  EXPECT_NEAR(looks.contrast, 0.1, 1e-6);
  // A pixel's mean of neighbours is the middle: two of its kind, two of the other. The Laplacian
  // deviates as the picture does.
  EXPECT_NEAR(looks.sharpness, 1, 1e-6);
}

TEST(Looks, OnlyBlurAndEnlargingMakeAPictureLessSharp) {
  const Image sharp = stripes(4, 0.5, 0.2);
  const double sharpness = measure_looks(sharp).sharpness;
  EXPECT_NEAR(measure_looks(stripes(4, 0.2, 0.05)).sharpness, sharpness, 1e-5);
  EXPECT_LT(measure_looks(resize(resize(sharp, 15, 18), 46, 56)).sharpness, 0.8 * sharpness);
}

TEST(Looks, OfWhatShowsNothingAreNumbers) {
  const Looks grey = measure_looks({46, 56, std::vector<float>(size_t{46} * 56, 0.3F)});
  EXPECT_NEAR(grey.brightness, 0.3, 1e-6);
  EXPECT_EQ(grey.contrast, 0);
  EXPECT_EQ(grey.sharpness, 0);
  EXPECT_EQ(measure_looks({2, 9, std::vector<float>(18, 0.5F)}).brightness, 0);
}

}  // namespace
}  // namespace doppel::internal
