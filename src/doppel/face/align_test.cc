#include "doppel/face/align.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "doppel/base/digest.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// A smooth picture by a formula, so that any place of it is known; its colours are multiples.
double shade(double x, double y) { return 0.5 + 0.2 * std::sin(x / 9) + 0.2 * std::cos(y / 7); }

Image shaded(int width, int height, bool color) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double value = shade(x + 0.5, y + 0.5);
      image.pixels.push_back(static_cast<float>(value));
      if (!color) continue;
      for (const double part : {1.0, 0.5, 0.25}) {
        image.colors.push_back(static_cast<float>(part * value));
      }
    }
  }
  return image;
}

// A face whose places are those of an aligned picture, turned, scaled and shifted.
FoundFace moved(const FacePlaces& places, std::complex<double> turn, std::complex<double> shift) {
  FoundFace face;
  const auto move = [&](Point p) {
    const std::complex<double> to = turn * std::complex<double>(p.x, p.y) + shift;
    return Point{to.real(), to.imag()};
  };
  face.left_eye = move(places.left_eye);
  face.right_eye = move(places.right_eye);
  face.mouth = move(places.mouth);
  return face;
}

TEST(Align, AFaceInPlaceStaysAsItIs) {
  const Image image = shaded(46, 56, true);
  const Image aligned = align_face(image, moved(aligned_places({46, 56}), 1.0, 0.0), {46, 56});
  ASSERT_EQ(aligned.pixels.size(), image.pixels.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_NEAR(aligned.pixels[i], image.pixels[i], 1e-6) << i;
  }
}

TEST(Align, UndoesTurnScaleAndShift) {
  const Image image = shaded(200, 180, true);
  const std::complex<double> turn = std::polar(1.7, 0.3), shift(60, 20);
  const Image aligned = align_face(image, moved(aligned_places({46, 56}), turn, shift), {46, 56});
  ASSERT_EQ(aligned.width, 46);
  ASSERT_EQ(aligned.height, 56);
  ASSERT_EQ(aligned.colors.size(), 3 * aligned.pixels.size());
  for (int y = 0; y < 56; ++y) {
    for (int x = 0; x < 46; ++x) {
      const std::complex<double> place = turn * std::complex<double>(x + 0.5, y + 0.5) + shift;
      // The mean over the covered area is less curved than the picture: below 1/100.
      ASSERT_NEAR(aligned.at(y, x), shade(place.real(), place.imag()), 0.01) << x << ' ' << y;
      const size_t i = 3 * static_cast<size_t>(y * 46 + x);
      ASSERT_NEAR(aligned.colors[i], aligned.at(y, x), 1e-6);
      ASSERT_NEAR(aligned.colors[i + 1], aligned.at(y, x) / 2, 1e-6);
      ASSERT_NEAR(aligned.colors[i + 2], aligned.at(y, x) / 4, 1e-6);
    }
  }
}

// Stripes a pixel wide become the grey between them, whichever samples a new pixel begins with.
TEST(Align, ShrinkingAveragesOverTheArea) {
  Image stripes{460, 560, {}};
  for (int i = 0; i < 460 * 560; ++i) stripes.pixels.push_back(static_cast<float>(i % 2));
  const Image aligned = align_face(stripes, moved(aligned_places({46, 56}), 10.0, 0.0), {46, 56});
  for (const float pixel : aligned.pixels) ASSERT_NEAR(pixel, 0.5, 0.051);
}

TEST(Align, RepeatsTheBorder) {
  const Image white{3, 3, std::vector<float>(9, 1.0f)};
  const Image aligned = align_face(white, moved(aligned_places({8, 8}), 1.0, -40.0), {8, 8});
  for (const float pixel : aligned.pixels) ASSERT_EQ(pixel, 1.0f);
}

// A wide target shows more at the sides, not a wider face.
TEST(Align, KeepsTheFacesProportions) {
  const FacePlaces tall = aligned_places({92, 112}), wide = aligned_places({300, 112});
  EXPECT_DOUBLE_EQ(wide.right_eye.x - wide.left_eye.x, tall.right_eye.x - tall.left_eye.x);
  EXPECT_DOUBLE_EQ(wide.mouth.y - wide.left_eye.y, tall.mouth.y - tall.left_eye.y);
  EXPECT_DOUBLE_EQ(wide.mouth.x, 150);
}

TEST(Align, RefusesWhatMakesNoSense) {
  const Image image = shaded(20, 20, false);
  const FoundFace face = moved(aligned_places({46, 56}), 0.3, 0.0);
  EXPECT_THROW(align_face(Image{}, face, {46, 56}), Error);
  EXPECT_THROW(align_face(Image{2, 2, {0.0f}}, face, {46, 56}), Error);
  EXPECT_THROW(align_face(image, face, {0, 56}), Error);
  EXPECT_THROW(align_face(image, FoundFace{}, {46, 56}), Error);
  FoundFace nowhere = face;
  nowhere.mouth.x = std::nan("");
  EXPECT_THROW(align_face(image, nowhere, {46, 56}), Error);
}

// Places far apart in a small picture, as a forged face may have: no more samples than it is worth.
TEST(Align, AHugeFaceInASmallPictureTakesNoLonger) {
  const Image image = shaded(20, 20, false);
  const Image aligned = align_face(image, moved(aligned_places({46, 56}), 1e9, -1e9), {46, 56});
  EXPECT_EQ(aligned.pixels.size(), 46u * 56);
}

// What was enrolled by earlier versions stays comparable.
TEST(Align, GivesTheBitsThatItAlwaysGave) {
  Image picture{97, 83, {}};
  for (int i = 0; i < 97 * 83; ++i) {
    picture.pixels.push_back(static_cast<float>(i * 37 % 101) / 101);
  }
  Blake2b digest;
  for (int k = 0; k < 20; ++k) {
    FoundFace face;
    face.left_eye = {30 + k / 3.0, 31 + k / 7.0};
    face.right_eye = {60 - k / 11.0, 33 - k / 9.0};
    face.mouth = {44 + k / 13.0, 60 + k / 5.0};
    const std::vector<float> pixels = align_face(picture, face, {46, 56}).pixels;
    digest.add({reinterpret_cast<const char*>(pixels.data()), pixels.size() * sizeof(float)});
  }
  EXPECT_EQ(digest.hex(), "a1b93c6a09bdd6e54b6c8e855f54e1328a330c0196286b638d54aaa39387b61d");
}

}  // namespace
}  // namespace doppel::internal
