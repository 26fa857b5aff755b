#include <gtest/gtest.h>

#include <string>

#include "doppel/image/bad_bytes.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

using namespace std::string_literals;

std::vector<float> parts_of(float most, std::vector<float> values) {
  for (float& value : values) value /= most;
  return values;
}

void expect_image(const std::string& bytes, int width, int height,
                  const std::vector<float>& pixels) {
  const Image image = decode_image(bytes, "x.pgm");
  EXPECT_EQ(image.width, width);
  EXPECT_EQ(image.height, height);
  EXPECT_EQ(image.pixels, pixels) << bytes;
}

TEST(Pnm, ReadsBinaryGrey) {
  expect_image("P5\n3 2\n255\n\x00\x01\x7f\x80\xfe\xff"s, 3, 2,
               parts_of(255, {0, 1, 127, 128, 254, 255}));
  expect_image("P5 1 1 1 \x01"s, 1, 1, {1.0f});
  expect_image("P5\t2\r1\v100\f\x64\x32"s, 2, 1, {1.0f, 0.5f});
}

TEST(Pnm, ReadsTwoByteSamplesMostSignificantFirst) {
  expect_image("P5 3 1 65535\n\x00\x01\x01\x00\xff\xff"s, 3, 1, parts_of(65535, {1, 256, 65535}));
  expect_image("P5 2 1 256\n\x01\x00\x00\x80"s, 2, 1, {1.0f, 0.5f});
}

TEST(Pnm, ReadsCommentsAnywhereInTheHeader) {
  const std::vector<float> pixels = parts_of(255, {10, 20});
  const std::string raster = "\x0a\x14";
  expect_image("P5#a\n#b\n 2 #c\n#d\n 1 # e # f\n255\n" + raster, 2, 1, pixels);
  expect_image("P5\n2#a\n1#b\n255#c\n" + raster, 2, 1, pixels);
  expect_image("P5\n#\n\n#a\r\n2 1\n#b\n255\n# late\n#r\n" + raster, 2, 1, pixels);
  expect_image("P5\r\n2 1\r\n255\r\n" + raster, 2, 1, pixels);
}

TEST(Pnm, KeepsRastersThatLookLikeCommentsOrSpace) {
  expect_image("P5 2 1 255\n##"s, 2, 1, parts_of(255, {35, 35}));
  expect_image("P5 3 1 255\n#\n\n"s, 3, 1, parts_of(255, {35, 10, 10}));
  expect_image("P5 2 1 255\r\n\n"s, 2, 1, parts_of(255, {10, 10}));
  expect_image("P5 2 1 255\n  \n"s, 2, 1, parts_of(255, {32, 32}));  // and a line feed too many
}

TEST(Pnm, ReadsAsciiGrey) {
  expect_image("P2 3 2 15\n0 1 2\n3  #comment 9 9\n14\t15\n", 3, 2,
               parts_of(15, {0, 1, 2, 3, 14, 15}));
  expect_image("P2\n1\n1\n65535\n00065534\n# the end", 1, 1, {65534.0f / 65535.0f});
}

TEST(Pnm, ReadsColourAsLuma) {
  const std::vector<float> expected = {0.299f, 0.587f, 0.114f, 1.0f};
  const auto expect_luma = [&](const std::string& bytes) {
    const Image image = decode_image(bytes, "x.ppm");
    ASSERT_EQ(image.pixels.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(image.pixels[i], expected[i]);
  };
  expect_luma("P6 2 2 255\n\xff\0\0\0\xff\0\0\0\xff\xff\xff\xff"s);
  expect_luma(
      "P6 2 2 300\n\x01\x2c\0\0\0\0\0\0\x01\x2c\0\0\0\0\0\0\x01\x2c\x01\x2c\x01\x2c\x01\x2c"s);
  expect_luma("P3 2 2 7  7 0 0  0 7 0  0 0 7  7 7 7 ");
}

TEST(Pnm, GreyInColourIsTheSameGreyToTheBit) {
  std::string grey = "P5 256 1 255\n", colour = "P6 256 1 255\n";
  for (int v = 0; v < 256; ++v) {
    grey += static_cast<char>(v);
    colour += std::string(3, static_cast<char>(v));
  }
  EXPECT_EQ(decode_image(grey, "g").pixels, decode_image(colour, "c").pixels);
}

TEST(Pnm, RefusesForgedSizes) {
  expect_refused("P5 0 5 255\n", "0 x 5");
  expect_refused("P5 5 0 255\n", "5 x 0");
  expect_refused("P5 2147483648 1 255\n", "2147483648 x 1");
  expect_refused("P5 4294967297 1 255\n1", " x 1");  // not 1 after an overflow
  expect_refused("P5 99999999999999999999999 1 255\n1", " x 1");
  expect_refused("P5 16384 16384 255\n", "16384 x 16384");
  expect_refused("P5 -1 1 255\n1", "decimal number");
  expect_refused("P5 1.5 1 255\n1", "decimal number");
}

TEST(Pnm, RefusesDataThatDoNotMatchTheHeader) {
  expect_refused("P5 16384 4096 255\n123", "67108864 bytes of pixels, there are 3");
  expect_refused("P6 16384 4096 65535\n123", "402653184 bytes");
  expect_refused("P2 16384 4096 255\n1 2 3\n", "67108864 numbers");
  expect_refused("P5 2 2 255\nabc", "4 bytes of pixels, there are 3");
  expect_refused("P5 2 2 255\nabcde", "4 bytes of pixels were expected, there are 5");
  expect_refused("P2 2 1 255\n1 2 3\n", "more than 2 numbers");
  expect_refused("P2 2 1 255\n12   \n", "ends before its sample");
  expect_refused("P2 2 1 255\n1 x 2 3\n", "decimal number");
  expect_refused("P2 2 1 255\n1 2x \n", "decimal number");
}

TEST(Pnm, RefusesWrongSampleRanges) {
  expect_refused("P5 1 1 0\n1", "maxval");
  expect_refused("P5 1 1 65536\n12", "maxval");
  expect_refused("P5 2 1 100\n\x64\x65", "sample 2 is 101, above the maxval 100");
  expect_refused("P5 1 1 256\n\x01\x01", "sample 1 is 257");
  expect_refused("P2 1 1 9\n10 \n", "sample 1 is 10");
  expect_refused("P2 1 1 9\n4294967300 ", "above the maxval");
}

TEST(Pnm, RefusesItsRelatives) {
  expect_refused("P1 1 1 1\n", "P1");
  expect_refused("P4 1 1\n1", "P4");
  expect_refused("P7\nWIDTH 1\n", "P7");
  expect_refused("P55 1 1 255\n1", "white space");
}

TEST(Pnm, RefusesEveryTruncation) {
  expect_no_prefix_decodes("P5\n# comment\n3 2\n255\nabcdef");
  expect_no_prefix_decodes("P5 2 2 65535\nabcdefgh");
  expect_no_prefix_decodes("P6 2 1 255\nabcdef");
  expect_no_prefix_decodes("P2\n3 2 # comment\n255\n10 20 30\n40 50 60\n");
  expect_no_prefix_decodes("P3 1 1 255 10 20 30 ");
}

TEST(Pnm, ReadsColoursBesideTheLuma) {
  const Image colour = decode_image("P3 2 1 10  10 0 5  1 2 3 ", "x.ppm", {.color = true});
  EXPECT_EQ(colour.colors, (std::vector<float>{1, 0, 0.5f, 0.1f, 0.2f, 0.3f}));
  EXPECT_EQ(colour.pixels, decode_image("P3 2 1 10  10 0 5  1 2 3 ", "x.ppm").pixels);
  const Image grey = decode_image("P2 1 1 10 5 ", "x.pgm", {.color = true});
  EXPECT_EQ(grey.colors, (std::vector<float>{0.5f, 0.5f, 0.5f}));
}

}  // namespace
}  // namespace doppel::internal
