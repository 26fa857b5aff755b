#include "doppel/image/content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/image/decode.h"
#include "doppel/image/jpeg_bytes.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

// Sides that cells part evenly and unevenly, from too small to a camera's.
constexpr ImageSize kSizes[] = {{1, 1},   {1, 300},  {20, 24},   {24, 24},  {32, 32},
                                {46, 56}, {92, 112}, {250, 250}, {640, 480}};

// Of the place in the picture, 0 .. 1 from the top left, in grey levels 0 .. 255, as files hold it.
Image picture_of(ImageSize size, const std::function<double(double y, double x)>& level) {
  Image image{
      size.width, size.height,
      std::vector<float>(static_cast<size_t>(size.width) * static_cast<size_t>(size.height))};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const double value = level((y + 0.5) / size.height, (x + 0.5) / size.width);
      image.at(y, x) = static_cast<float>(std::round(std::clamp(value, 0.0, 255.0)) / 255);
    }
  }
  return image;
}

std::string told(const PictureContent& content) {
  return "structure " + std::to_string(255 * content.structure) + " levels, " +
         std::to_string(content.of_contrast) + " of the contrast, " +
         std::to_string(content.of_noise) + " of the noise";
}

// As it is and as cameras and networks compress it. In the few blocks of a small picture that
// leaves as much of noise as there is of a blurred face.
void expect_nothing(const Image& image, const std::string& what) {
  const std::string where =
      what + " " + std::to_string(image.width) + " x " + std::to_string(image.height);
  EXPECT_FALSE(shows_something(image)) << where << ": " << told(picture_content(image));
  if (std::min(image.width, image.height) < 60) return;
  for (const int quality : {30, 75, 92}) {
    const Image compressed = through_jpeg(image, quality);
    EXPECT_FALSE(shows_something(compressed))
        << where << ", JPEG " << quality << ": " << told(picture_content(compressed));
  }
}

TEST(Content, OneGreyIsNothing) {
  for (const ImageSize size : kSizes) {
    for (const double level : {0.0, 128.0, 255.0}) {
      expect_nothing(picture_of(size, [&](double, double) { return level; }), "grey");
    }
  }
}

TEST(Content, GradientsAreNothing) {
  const auto from = [](double y0, double x0) {
    return [=](double y, double x) { return std::hypot(y - y0, x - x0); };
  };
  const auto middle = from(0.5, 0.5), aside = from(0.6, 0.3);
  const std::pair<const char*, std::function<double(double, double)>> gradients[] = {
      {"down", [](double y, double) { return 255 * y; }},
      {"across", [](double, double x) { return 255 * x; }},
      {"oblique", [](double y, double x) { return 60 + 60 * y + 90 * x; }},
      {"as a screen shows it", [](double y, double) { return 255 * std::pow(y, 2.2); }},
      {"faint", [](double y, double) { return 120 + 8 * y; }},
      {"cone", [=](double y, double x) { return 255 - 350 * middle(y, x); }},
      {"cone aside", [=](double y, double x) { return 20 + 250 * aside(y, x); }},
      {"vignette",
       [=](double y, double x) { return 200 * std::pow(std::cos(std::atan(middle(y, x))), 4); }},
      {"spotlight",
       [=](double y, double x) { return 250 * std::exp(-std::pow(middle(y, x) / 0.35, 2)); }}};
  Random random(1, Purpose::sample);
  for (const auto& [name, level] : gradients) {
    for (const ImageSize size : kSizes) {
      expect_nothing(picture_of(size, level), name);
      expect_nothing(
          picture_of(size, [&, &grey = level](
                               double y, double x) { return grey(y, x) + 3 * random.normal(); }),
          std::string(name) + " with noise");
    }
  }
}

TEST(Content, NoiseIsNothing) {
  Random random(2, Purpose::sample);
  for (const ImageSize size : kSizes) {
    for (const double deviation : {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 40.0, 80.0}) {
      for (const double level : {0.0, 8.0, 128.0}) {
        const auto noisy = [&](double, double) { return level + deviation * random.normal(); };
        expect_nothing(picture_of(size, noisy),
                       "noise of " + std::to_string(deviation) + " at " + std::to_string(level));
      }
    }
    // Single photons (Knuth's way to Poisson's distribution).
    for (const double photons : {0.05, 0.5, 3.0, 10.0}) {
      const auto counted = [&](double, double) {
        double product = random.uniform(), count = 0;
        for (; product > std::exp(-photons); product *= random.uniform()) count += 1;
        return count;
      };
      expect_nothing(picture_of(size, counted), "photons, " + std::to_string(photons));
    }
    // As of a capped lens, and of a television without a station.
    for (const uint32_t levels : {12u, 256u}) {
      const auto even = [&](double, double) { return static_cast<double>(random.below(levels)); };
      expect_nothing(picture_of(size, even), "levels, " + std::to_string(levels));
    }
  }
}

// Two eyes and a mouth: as little as a face can be.
double smiley(double y, double x) {
  const auto dot = [&](double y0, double x0, double height, double width) {
    return std::hypot((y - y0) / height, (x - x0) / width) < 1;
  };
  if (dot(0.35, 0.3, 0.08, 0.1) || dot(0.35, 0.7, 0.08, 0.1) || dot(0.75, 0.5, 0.06, 0.2)) {
    return 40;
  }
  return dot(0.5, 0.5, 0.48, 0.45) ? 200 : 120;
}

TEST(Content, ADrawnFaceIsSomething) {
  for (const ImageSize size : kSizes) {
    const Image face = picture_of(size, smiley);
    const bool large = size.width >= 24 && size.height >= 24;
    EXPECT_EQ(shows_something(face), large) << size.width << " x " << size.height;
    EXPECT_EQ(shows_something(through_jpeg(face, 30)), large) << told(picture_content(face));
  }
  // In a fifth of the light, and behind noise that leaves it to be seen.
  Random random(3, Purpose::sample);
  EXPECT_TRUE(
      shows_something(picture_of({92, 112}, [](double y, double x) { return smiley(y, x) / 5; })));
  EXPECT_TRUE(shows_something(picture_of(
      {92, 112}, [&](double y, double x) { return smiley(y, x) + 40 * random.normal(); })));
}

TEST(Content, AllAttFacesAreSomethingByFar) {
  const char* data = std::getenv("DOPPEL_DATA");
  const fs::path faces = fs::path(data != nullptr ? data : "../shared/data") / "att_faces";
  if (!fs::is_directory(faces)) {
    GTEST_SKIP() << "the AT&T faces are not at " << faces << "; set DOPPEL_DATA";
  }
  size_t images = 0;
  for (const auto& entry : fs::recursive_directory_iterator(faces)) {
    if (entry.path().extension() != ".pgm") continue;
    ++images;
    const Image image = load_image(entry.path());
    const PictureContent content = picture_content(image);
    EXPECT_TRUE(shows_something(image)) << entry.path();
    // Three times what is asked for, twice of the contrast, of which there cannot be more than 1.
    EXPECT_GT(255 * content.structure, 12) << entry.path();
    EXPECT_GT(content.of_contrast, 0.36) << entry.path();
    EXPECT_GT(content.of_noise, 4.5) << entry.path();
    EXPECT_TRUE(shows_something(resize(image, 24, 29))) << entry.path();
    EXPECT_TRUE(shows_something(through_jpeg(image, 10))) << entry.path();
  }
  EXPECT_EQ(images, 400u);
}

}  // namespace
}  // namespace doppel::internal
