#include "doppel/image/preprocessing.h"

#include <gtest/gtest.h>

namespace doppel {
namespace {

Image ramp(int width, int height) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    image.pixels.push_back(static_cast<float>(i) / static_cast<float>(width * height));
  }
  return image;
}

TEST(Preprocessing, KeepsEverySecondRowAndColumn) {
  const Preprocessing att;
  EXPECT_EQ(att.input_height(), 56u);
  EXPECT_EQ(att.input_width(), 46u);
  const Image image = ramp(92, 112);
  const Matrix rows = preprocess(std::vector<Image>{image, image}, att);
  ASSERT_EQ(rows.rows, 2u);
  ASSERT_EQ(rows.columns, 56u * 46);
  for (int i = 0; i < 56; ++i) {
    for (int j = 0; j < 46; ++j) {
      ASSERT_EQ(rows.row(1)[static_cast<size_t>(i * 46 + j)], image.at(2 * i, 2 * j));
    }
  }
}

TEST(Preprocessing, OddSizesRoundUpAndOtherSizesAreResized) {
  const Preprocessing odd{5, 7, 2};
  const Matrix rows = preprocess(std::vector<Image>{ramp(5, 7), ramp(10, 14)}, odd);
  EXPECT_EQ(rows.columns, 3u * 4);
  EXPECT_EQ(rows.row(0)[11], ramp(5, 7).at(6, 4));
  EXPECT_NEAR(rows.row(1)[0], ramp(10, 14).at(0, 0), 0.1);
}

}  // namespace
}  // namespace doppel
