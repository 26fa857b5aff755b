#include "doppel/image/preprocessing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace doppel::internal {
namespace {

Image ramp_image(int width, int height) {
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
  const Image image = ramp_image(92, 112);
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
  const Matrix rows = preprocess(std::vector<Image>{ramp_image(5, 7), ramp_image(10, 14)}, odd);
  EXPECT_EQ(rows.columns, 3u * 4);
  EXPECT_EQ(rows.row(0)[11], ramp_image(5, 7).at(6, 4));
  EXPECT_NEAR(rows.row(1)[0], ramp_image(10, 14).at(0, 0), 0.1);
}

TEST(Preprocessing, StandardizesByMeanAndDeviation) {
  std::vector<float> values = {1, 2, 3, 6};  // mean 3, variance (4 + 1 + 0 + 9) / 4
  standardize(values);
  const double deviation = std::sqrt(3.5);
  const double expected[] = {-2 / deviation, -1 / deviation, 0, 3 / deviation};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(values[i], expected[i], 1e-6);
  std::vector<float> none;
  standardize(none);
}

TEST(Preprocessing, StandardizedRowsDoNotKnowBrightnessAndContrast) {
  const Preprocessing plain{8, 6, 2}, standard{8, 6, 2, true};
  const Image image = ramp_image(16, 12);
  Image other = image;
  for (float& pixel : other.pixels) pixel = 0.3f + pixel / 4;
  const Matrix rows = preprocess(std::vector<Image>{image, other}, standard);
  ASSERT_EQ(rows.columns, 12u);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_NEAR(rows.row(0)[i], rows.row(1)[i], 1e-4);
    sum += rows.row(0)[i];
    squares += rows.row(0)[i] * rows.row(0)[i];
  }
  EXPECT_NEAR(sum, 0, 1e-5);
  EXPECT_NEAR(squares / 12, 1, 1e-5);
  // Last of all: the pixels that are left are standardised.
  Matrix by_hand = preprocess(std::vector<Image>{image}, plain);
  EXPECT_NE(by_hand.values[0], rows.values[0]);
  standardize(by_hand.row(0));
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(by_hand.values[i], rows.values[i]);
}

TEST(Preprocessing, AnImageOfOneGreyBecomesZeros) {
  for (const float grey : {0.0f, 0.1f, 0.7f, 1.0f}) {
    const Image image{7, 5, std::vector<float>(35, grey)};
    const Matrix rows = preprocess(std::vector<Image>{image}, {3, 4, 1, true});
    for (const float value : rows.values) EXPECT_EQ(value, 0.0f);
  }
}

TEST(Preprocessing, ThreadsChangeNothing) {
  std::vector<Image> images;
  for (int i = 0; i < 9; ++i) images.push_back(ramp_image(10 + i, 12));
  const Preprocessing preprocessing{9, 8, 2, true};
  ThreadPool one(1), four(4);
  const Matrix rows = preprocess(images, preprocessing);
  EXPECT_EQ(preprocess(images, preprocessing, one).values, rows.values);
  EXPECT_EQ(preprocess(images, preprocessing, four).values, rows.values);
}

}  // namespace
}  // namespace doppel::internal
