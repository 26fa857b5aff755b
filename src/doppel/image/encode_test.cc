#include "doppel/image/encode.h"

#include <gtest/gtest.h>
#include <png.h>

#include <limits>
#include <string>

#include "doppel/error.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

Image all_levels() {
  Image image{16, 16, {}};
  for (int v = 0; v < 256; ++v) image.pixels.push_back(static_cast<float>(v) / 255.0f);
  return image;
}

TEST(Encode, GreyComesBackExactly) {
  const Image image = all_levels();
  for (const std::string& bytes : {encode_pgm(image), encode_png(image)}) {
    const Image back = decode_image(bytes, "back");
    EXPECT_EQ(back.width, image.width);
    EXPECT_EQ(back.height, image.height);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

TEST(Encode, PgmIsTheKnownBytes) {
  using namespace std::string_literals;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Image image{4, 2, {0.0f, 1.0f, 0.499f / 255, 0.501f / 255, -3.0f, 7.0f, nan, infinity}};
  EXPECT_EQ(encode_pgm(image), "P5\n4 2\n255\n\x00\xff\x00\x01\x00\xff\x00\xff"s);
}

TEST(Encode, ColourComesBackThroughLibpng) {
  RgbImage image{3, 2, {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {1, 2, 3}, {9, 9, 9}, {77, 0, 8}}};
  const std::string bytes = encode_png(image);
  png_image reader{};
  reader.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_memory(&reader, bytes.data(), bytes.size()));
  EXPECT_EQ(reader.width, 3u);
  EXPECT_EQ(reader.height, 2u);
  EXPECT_EQ(reader.format, static_cast<png_uint_32>(PNG_FORMAT_RGB));
  std::vector<Rgb> pixels(6);
  ASSERT_TRUE(png_image_finish_read(&reader, nullptr, pixels.data(), 0, nullptr));
  EXPECT_EQ(pixels, image.pixels);
}

TEST(Encode, RefusesWhatIsNoPicture) {
  EXPECT_THROW(encode_pgm(Image{}), Error);
  EXPECT_THROW(encode_png(Image{}), Error);
  EXPECT_THROW(encode_png(RgbImage{}), Error);
  EXPECT_THROW(encode_png(Image{2, 2, {0.0f, 0.0f, 0.0f}}), Error);
  EXPECT_THROW(encode_png(Image{20000, 1, std::vector<float>(20000)}), Error);
}

}  // namespace
}  // namespace doppel::internal
