#include "doppel/image/perceptual_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "doppel/error.h"
#include "doppel/image/decode.h"
#include "doppel/image/jpeg_bytes.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

Image cropped(const Image& image, int left, int top, int right, int bottom) {
  Image part{image.width - left - right, image.height - top - bottom, {}};
  for (int y = 0; y < part.height; ++y) {
    for (int x = 0; x < part.width; ++x) part.pixels.push_back(image.at(y + top, x + left));
  }
  return part;
}

// Rounded to the levels of a file of 8 bits, as is everything that comes from one.
Image relit(Image image, const std::function<double(double)>& light) {
  for (float& grey : image.pixels) {
    grey = static_cast<float>(std::round(std::clamp(light(double{grey}), 0.0, 1.0) * 255) / 255);
  }
  return image;
}

Image scaled(const Image& image, double scale) {
  return relit(resize(image, static_cast<int>(std::lround(image.width * scale)),
                      static_cast<int>(std::lround(image.height * scale))),
               [](double grey) { return grey; });
}

struct CopyKind {
  const char* name;
  std::function<Image(const Image&)> copy;
};

std::vector<CopyKind> copy_kinds() {
  return {
      {"JPEG 95", [](const Image& i) { return through_jpeg(i, 95); }},
      {"JPEG 75", [](const Image& i) { return through_jpeg(i, 75); }},
      {"JPEG 50 in colour", [](const Image& i) { return through_jpeg(i, 50, true); }},
      {"JPEG 10", [](const Image& i) { return through_jpeg(i, 10); }},
      {"half", [](const Image& i) { return scaled(i, 0.5); }},
      {"every second pixel", [](const Image& i) { return subsample(i, 2); }},
      {"a third", [](const Image& i) { return scaled(i, 1.0 / 3); }},
      {"double", [](const Image& i) { return scaled(i, 2); }},
      {"1 px off the left", [](const Image& i) { return cropped(i, 1, 0, 0, 0); }},
      {"2 px off all sides", [](const Image& i) { return cropped(i, 2, 2, 2, 2); }},
      {"3 px off left and top", [](const Image& i) { return cropped(i, 3, 3, 0, 0); }},
      {"3 px off the bottom", [](const Image& i) { return cropped(i, 0, 0, 0, 3); }},
      {"3 px off all sides", [](const Image& i) { return cropped(i, 3, 3, 3, 3); }},
      {"1 2 3 0 px", [](const Image& i) { return cropped(i, 1, 2, 3, 0); }},
      {"lighter", [](const Image& i) { return relit(i, [](double g) { return g + 0.15; }); }},
      {"darker", [](const Image& i) { return relit(i, [](double g) { return g - 0.15; }); }},
      {"flatter",
       [](const Image& i) { return relit(i, [](double g) { return 0.5 + 0.6 * (g - 0.5); }); }},
      {"harder",
       [](const Image& i) { return relit(i, [](double g) { return 0.5 + 1.5 * (g - 0.5); }); }},
      {"gamma 0.7",
       [](const Image& i) { return relit(i, [](double g) { return std::pow(g, 0.7); }); }},
      {"all at once",
       [](const Image& i) {
         const Image small = scaled(cropped(i, 3, 0, 2, 3), 0.5);
         return through_jpeg(relit(small, [](double g) { return 0.58 + 0.8 * (g - 0.5); }), 50);
       }},
  };
}

// Photo `number` of s1 to s40, or none where the faces are not there.
std::vector<Image> att_photos(int number) {
  const char* data = std::getenv("DOPPEL_DATA");
  const fs::path faces = fs::path(data != nullptr ? data : "../shared/data") / "att_faces";
  std::vector<Image> photos;
  for (int person = 1; person <= 40 && fs::is_directory(faces); ++person) {
    const fs::path folder = faces / std::string("s").append(std::to_string(person));
    photos.push_back(load_image(folder / (std::to_string(number) + ".pgm")));
  }
  return photos;
}

// A picture with a bit of everything in it, from whole numbers alone.
Image patterned(int width, int height, uint32_t seed) {
  Image image{width, height, {}};
  std::vector<uint32_t> spots;
  for (int i = 0; i < 64; ++i) spots.push_back(seed = seed * 1664525 + 1013904223);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto spot = static_cast<size_t>(y * 8 / height * 8 + x * 8 / width);
      image.pixels.push_back(static_cast<float>(spots[spot] >> 24) / 255.0f);
    }
  }
  return image;
}

TEST(PerceptualHash, NeverJoinsTwoPeopleOnAtt) {
  std::vector<std::vector<PerceptualHash>> probes;
  std::vector<size_t> person;
  for (int number = 1; number <= 10; ++number) {
    const std::vector<Image> photos = att_photos(number);
    if (photos.empty()) GTEST_SKIP() << "the AT&T faces are not there; set DOPPEL_DATA";
    for (size_t i = 0; i < photos.size(); ++i) {
      probes.push_back(perceptual_hashes(photos[i], /*framings=*/true));
      ASSERT_EQ(probes.back().size(), 81u) << "s" << i + 1 << "/" << number;
      person.push_back(i);
    }
  }
  int nearest = 255;
  size_t compared = 0;
  for (size_t a = 0; a < probes.size(); ++a) {
    for (size_t b = 0; b < probes.size(); ++b) {
      if (person[a] == person[b]) continue;
      ++compared;
      EXPECT_FALSE(same_picture(probes[a], probes[b].front())) << person[a] << " " << person[b];
      for (const PerceptualHash& hash : probes[a]) {
        nearest = std::min(nearest, differing_bits(hash, probes[b].front()));
      }
    }
  }
  EXPECT_EQ(compared, 156'000u);
  EXPECT_EQ(nearest, 60);
}

TEST(PerceptualHash, FindsCopiesOfEveryKindOnAtt) {
  const std::vector<Image> photos = att_photos(2);
  if (photos.empty()) GTEST_SKIP() << "the AT&T faces are not there; set DOPPEL_DATA";
  std::vector<std::vector<PerceptualHash>> originals;
  for (const Image& photo : photos) originals.push_back(perceptual_hashes(photo, true));
  for (const CopyKind& kind : copy_kinds()) {
    int farthest = 0;
    for (size_t i = 0; i < photos.size(); ++i) {
      const std::vector<PerceptualHash> copy = perceptual_hashes(kind.copy(photos[i]), true);
      ASSERT_EQ(copy.size(), 81u) << kind.name;
      EXPECT_TRUE(same_picture(copy, originals[i].front())) << kind.name << " of s" << i + 1;
      EXPECT_TRUE(same_picture(originals[i], copy.front())) << "of " << kind.name << ", s" << i + 1;
      int nearest = 255;
      for (const PerceptualHash& hash : copy) {
        nearest = std::min(nearest, differing_bits(hash, originals[i].front()));
      }
      farthest = std::max(farthest, nearest);
    }
    EXPECT_LE(farthest, 32) << kind.name << ": the margin to kMostDifferingBits is said to be 4";
  }
}

TEST(PerceptualHash, IsTheSameOnEveryMachine) {
  EXPECT_EQ(to_hex(perceptual_hashes(patterned(92, 112, 1), false).front()),
            "fe1d85d84360b80e32a727f2baa6c221fe1dc221baa627f2bc9f27f2436085d8");
  EXPECT_EQ(to_hex(perceptual_hashes(patterned(300, 200, 2), true).back()),
            "e437695b198807e407a10813feb6ba5ca855fe706cb20111e85afcb6085aec36");
}

TEST(PerceptualHash, FramingsBeginWithThePicturesOwn) {
  const Image image = patterned(92, 112, 3);
  const std::vector<PerceptualHash> own = perceptual_hashes(image, false);
  const std::vector<PerceptualHash> all = perceptual_hashes(image, true);
  ASSERT_EQ(own.size(), 1u);
  ASSERT_EQ(all.size(), 81u);
  EXPECT_EQ(all.front(), own.front());
  EXPECT_EQ(own.front().words[0] & 1, 0u);
  EXPECT_TRUE(same_picture(own, own.front()));
  EXPECT_FALSE(same_picture(own, perceptual_hashes(patterned(92, 112, 4), false).front()));
  Image colored = image;
  colored.colors.assign(3 * image.pixels.size(), 0.5f);
  EXPECT_EQ(perceptual_hashes(colored, false), own);
}

TEST(PerceptualHash, PicturesThatSayNothingHaveNone) {
  const auto hashes_of = [](const std::function<double(int, int)>& grey) {
    Image image{92, 112, {}};
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) image.pixels.push_back(static_cast<float>(grey(x, y)));
    }
    return perceptual_hashes(image, true);
  };
  EXPECT_TRUE(hashes_of([](int, int) { return 0; }).empty());
  EXPECT_TRUE(hashes_of([](int, int) { return 1; }).empty());
  EXPECT_TRUE(hashes_of([](int x, int) { return x / 91.0; }).empty());
  EXPECT_TRUE(hashes_of([](int x, int y) { return (x + y) / 202.0; }).empty());
  // A stroke on paper, as different hands draw it.
  EXPECT_TRUE(
      hashes_of([](int x, int y) { return x > 40 && x < 46 && y % 50 < 40 ? 0 : 1; }).empty());
  EXPECT_TRUE(perceptual_hashes({}, true).empty());
  EXPECT_TRUE(perceptual_hashes({1, 1, {0.5f}}, true).empty());
  EXPECT_FALSE(same_picture({}, {}));
  EXPECT_THROW(perceptual_hashes({3, 3, {0.1f, 0.5f, 0.9f, 0.5f}}, true), Error);
}

TEST(PerceptualHash, SurvivesHexAndNothingElseDoes) {
  const PerceptualHash hash{{0x0123456789abcdefu, 1, 0, ~uint64_t{0}}};
  const std::string text = to_hex(hash);
  EXPECT_EQ(text,
            "0123456789abcdef0000000000000001"
            "0000000000000000ffffffffffffffff");
  EXPECT_EQ(perceptual_hash_from_hex(text), hash);
  for (const std::string& wrong :
       {std::string(), text.substr(1), text + "0", "-" + text.substr(1), "G" + text.substr(1),
        "+" + text.substr(1), std::string(64, 'A'), std::string(64, ' ')}) {
    EXPECT_EQ(perceptual_hash_from_hex(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace doppel::internal
