#include "doppel/image/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

Image noisy_image(int width, int height) {
  Image image{width, height, {}};
  Random random(7, Purpose::synthetic);
  for (int i = 0; i < width * height; ++i) {
    image.pixels.push_back(static_cast<float>(random.uniform()));
  }
  return image;
}

double mean(const Image& image) {
  return std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0) /
         static_cast<double>(image.pixels.size());
}

void expect_near(const Image& image, int width, int height, const std::vector<float>& expected) {
  EXPECT_EQ(image.width, width);
  EXPECT_EQ(image.height, height);
  ASSERT_EQ(image.pixels.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(image.pixels[i], expected[i], 1e-6) << i;
}

TEST(Resize, SameSizeIsTheSameBits) {
  const Image image = noisy_image(23, 17);
  const Image same = resize(image, 23, 17);
  EXPECT_EQ(same.width, 23);
  EXPECT_EQ(same.height, 17);
  EXPECT_EQ(same.pixels, image.pixels);
}

TEST(Resize, ShrinkingAveragesTheCoveredArea) {
  expect_near(resize({4, 2, {0, 1, 2, 3, 4, 5, 6, 7}}, 2, 1), 2, 1, {2.5f, 4.5f});
  // 3 -> 2: the middle pixel is shared half and half.
  expect_near(resize({3, 1, {0.0f, 0.3f, 0.9f}}, 2, 1), 2, 1, {0.1f, 0.7f});
  expect_near(resize({1, 5, {1, 0, 0, 0, 0}}, 1, 2), 1, 2, {0.4f, 0.0f});
}

TEST(Resize, ShrinkingKeepsTheMean) {
  const Image image = noisy_image(92, 112);
  for (const auto& [width, height] : {std::pair{46, 56}, {31, 37}, {91, 111}, {1, 1}, {92, 5}}) {
    EXPECT_NEAR(mean(resize(image, width, height)), mean(image), 1e-6) << width << " " << height;
  }
}

TEST(Resize, GrowingIsLinearBetweenPixelCentres) {
  expect_near(resize({2, 1, {0, 1}}, 4, 1), 4, 1, {0, 0.25f, 0.75f, 1});
  expect_near(resize({1, 2, {0, 1}}, 1, 4), 1, 4, {0, 0.25f, 0.75f, 1});
  expect_near(resize({2, 2, {0, 1, 2, 3}}, 2, 4), 2, 4, {0, 1, 0.5f, 1.5f, 1.5f, 2.5f, 2, 3});
  expect_near(resize({1, 1, {0.5f}}, 3, 2), 3, 2, std::vector<float>(6, 0.5f));
}

TEST(Resize, AxesAreIndependent) {
  // One axis shrinks while the other grows.
  expect_near(resize({4, 1, {0, 1, 2, 3}}, 2, 2), 2, 2, {0.5f, 2.5f, 0.5f, 2.5f});
}

TEST(Resize, StaysWithinTheRangeAndKeepsFlatPicturesFlat) {
  const Image image = noisy_image(31, 19);
  const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
  Image white{31, 19, std::vector<float>(31 * 19, 1.0f)};
  for (const auto& [width, height] : {std::pair{7, 5}, {100, 90}, {32, 18}, {30, 20}}) {
    for (const float value : resize(image, width, height).pixels) {
      EXPECT_GE(value, *low);
      EXPECT_LE(value, *high);
    }
    for (const float value : resize(white, width, height).pixels) EXPECT_EQ(value, 1.0f);
  }
}

TEST(Resize, MirroredInMirroredOut) {
  Image image = noisy_image(13, 9);
  const Image shrunk = resize(image, 5, 4), grown = resize(image, 29, 21);
  std::reverse(image.pixels.begin(), image.pixels.end());
  for (const Image* whole : {&shrunk, &grown}) {
    const Image turned = resize(image, whole->width, whole->height);
    for (size_t i = 0; i < turned.pixels.size(); ++i) {
      EXPECT_NEAR(turned.pixels[i], whole->pixels[turned.pixels.size() - 1 - i], 1e-6);
    }
  }
}

TEST(Resize, RefusesBadSizes) {
  const Image image = noisy_image(4, 4);
  EXPECT_THROW(resize(image, 0, 4), Error);
  EXPECT_THROW(resize(image, 4, -1), Error);
  EXPECT_THROW(resize(image, 16385, 1), Error);
  EXPECT_THROW(resize(Image{}, 4, 4), Error);
  EXPECT_THROW(resize(Image{2, 2, {0.0f}}, 4, 4), Error);
}

TEST(Subsample, KeepsEveryStepthRowAndColumnFromTheFirst) {
  expect_near(subsample({5, 3, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}}, 2), 3, 2,
              {0, 2, 4, 10, 12, 14});
  expect_near(subsample({4, 1, {0, 1, 2, 3}}, 2), 2, 1, {0, 2});
  expect_near(subsample({4, 1, {0, 1, 2, 3}}, 9), 1, 1, {0});
  const Image image = noisy_image(92, 112);
  const Image half = subsample(image, 2);
  EXPECT_EQ(half.width, 46);
  EXPECT_EQ(half.height, 56);
  EXPECT_EQ(half.at(55, 45), image.at(110, 90));
  EXPECT_EQ(subsample(image, 1).pixels, image.pixels);
}

TEST(Subsample, RefusesBadSteps) {
  EXPECT_THROW(subsample(noisy_image(2, 2), 0), Error);
  EXPECT_THROW(subsample(noisy_image(2, 2), -2), Error);
  EXPECT_THROW(subsample(Image{}, 2), Error);
}

// Each channel becomes what a grey picture of its values becomes.
TEST(Resize, CarriesColoursAlong) {
  Image image = noisy_image(9, 7);
  Image channels[3];
  for (size_t c = 0; c < 3; ++c) {
    channels[c] = image;
    std::rotate(channels[c].pixels.begin(),
                channels[c].pixels.begin() + static_cast<std::ptrdiff_t>(c + 1),
                channels[c].pixels.end());
  }
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    for (const Image& channel : channels) image.colors.push_back(channel.pixels[i]);
  }
  const auto expect_channels = [&](const Image& result, const auto& change) {
    ASSERT_EQ(result.colors.size(), 3 * result.pixels.size());
    for (size_t c = 0; c < 3; ++c) {
      const Image alone = change(channels[c]);
      for (size_t i = 0; i < alone.pixels.size(); ++i) {
        ASSERT_EQ(result.colors[3 * i + c], alone.pixels[i]) << i << ' ' << c;
      }
    }
  };
  const auto smaller = [](const Image& any) { return resize(any, 4, 5); };
  const auto larger = [](const Image& any) { return resize(any, 13, 8); };
  const auto every_third = [](const Image& any) { return subsample(any, 3); };
  expect_channels(smaller(image), smaller);
  expect_channels(larger(image), larger);
  expect_channels(every_third(image), every_third);
  image.colors.pop_back();
  EXPECT_THROW(resize(image, 4, 5), Error);
}

}  // namespace
}  // namespace doppel::internal
