#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "doppel/image/bad_bytes.h"
#include "doppel/image/decode.h"
#include "doppel/image/exif_bytes.h"
#include "doppel/image/jpeg_bytes.h"

namespace doppel::internal {
namespace {

using namespace std::string_literals;

// Flat 8 x 8 blocks survive JPEG: `levels` holds block rows x block columns.
JpegFile blocks(unsigned columns, unsigned rows, const std::vector<uint8_t>& levels) {
  JpegFile file{columns * 8, rows * 8, JCS_GRAYSCALE, {}};
  for (unsigned y = 0; y < file.height; ++y) {
    for (unsigned x = 0; x < file.width; ++x) {
      file.samples.push_back(levels[y / 8 * columns + x / 8]);
    }
  }
  return file;
}

JpegFile solid(J_COLOR_SPACE colours, std::vector<uint8_t> pixel) {
  JpegFile file{16, 16, colours, {}};
  for (int i = 0; i < 256; ++i) file.samples.insert(file.samples.end(), pixel.begin(), pixel.end());
  return file;
}

void expect_blocks(const Image& image, int columns, int rows, const std::vector<uint8_t>& levels) {
  ASSERT_EQ(image.width, columns * 8);
  ASSERT_EQ(image.height, rows * 8);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      ASSERT_NEAR(image.at(y, x), levels[static_cast<size_t>(y / 8 * columns + x / 8)] / 255.0f,
                  1.01f / 255)
          << "row " << y << " column " << x;
    }
  }
}

std::string app1(int orientation, bool little) {
  return "Exif\0\0"s + exif_bytes(orientation, little);
}

const std::vector<uint8_t> six_levels = {10, 50, 90, 130, 170, 210};  // 3 x 2 blocks

TEST(Jpeg, ReadsGrey) {
  for (const bool progressive : {false, true}) {
    JpegFile file = blocks(3, 2, six_levels);
    file.progressive = progressive;
    expect_blocks(decode_image(write_jpeg(file), "x.jpg"), 3, 2, six_levels);
  }
}

TEST(Jpeg, CropsToTheSizeInTheHeader) {
  const Image image =
      decode_image(write_jpeg({3, 2, JCS_GRAYSCALE, {255, 255, 255, 0, 0, 0}}), "x.jpg");
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_NEAR(image.at(0, 2), 1.0f, 0.01f);
  EXPECT_NEAR(image.at(1, 2), 0.0f, 0.01f);
}

TEST(Jpeg, ReadsColourAsLuma) {
  for (const std::vector<uint8_t>& rgb :
       {std::vector<uint8_t>{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {200, 50, 100}}) {
    const Image image = decode_image(write_jpeg(solid(JCS_RGB, rgb)), "x.jpg");
    const double luma = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255;
    for (const float pixel : image.pixels) ASSERT_NEAR(pixel, luma, 1.01 / 255);
  }
}

// The same bits as where grey alone is asked for, and the colours that were written.
TEST(Jpeg, ReadsColoursBesideTheLuma) {
  for (const bool stored_as_rgb : {false, true}) {
    JpegFile file{24, 8, JCS_RGB, {}};
    file.stored_as_rgb = stored_as_rgb;
    const uint8_t rgb[3][3] = {{250, 20, 40}, {10, 200, 90}, {30, 60, 220}};
    for (unsigned y = 0; y < 8; ++y) {
      for (unsigned x = 0; x < 24; ++x) {
        file.samples.insert(file.samples.end(), rgb[x / 8], rgb[x / 8] + 3);
      }
    }
    const std::string bytes = write_jpeg(file);
    const Image grey = decode_image(bytes, "grey");
    const Image colour = decode_image(bytes, "colour", {.color = true});
    EXPECT_TRUE(grey.colors.empty());
    EXPECT_EQ(colour.pixels, grey.pixels);
    ASSERT_EQ(colour.colors.size(), 24u * 8 * 3);
    for (const unsigned x : {0u, 20u}) {  // columns whose chroma no neighbour is mixed into
      for (unsigned c = 0; c < 3; ++c) {
        EXPECT_NEAR(colour.colors[x * 3 + c], rgb[x / 8][c] / 255.0, 2.5 / 255) << x << ' ' << c;
      }
    }
  }
  const Image grey = decode_image(write_jpeg(blocks(3, 2, six_levels)), "x.jpg", {.color = true});
  ASSERT_EQ(grey.colors.size(), 3 * grey.pixels.size());
  for (size_t i = 0; i < grey.colors.size(); ++i) ASSERT_EQ(grey.colors[i], grey.pixels[i / 3]);
}

// Each 8 x 8 block is flat, so a reduced picture shows its level in fewer pixels.
TEST(Jpeg, ComesReducedWhileTheShorterSideStaysLongEnough) {
  struct Case {
    int shorter_side, block;
  };
  JpegFile file = blocks(3, 2, six_levels);  // 24 x 16
  file.app1 = app1(6, true);                 // seen as 16 x 24
  for (const Case& c :
       {Case{0, 8}, {100, 8}, {9, 8}, {8, 4}, {5, 4}, {4, 2}, {3, 2}, {2, 1}, {1, 1}}) {
    SCOPED_TRACE(c.shorter_side);
    const Image image =
        decode_image(write_jpeg(file), "x.jpg", {.color = true, .shorter_side = c.shorter_side});
    ASSERT_EQ(image.width, 2 * c.block);
    ASSERT_EQ(image.height, 3 * c.block);
    ASSERT_EQ(image.divisor, 8 / c.block);
    ASSERT_EQ(image.colors.size(), 3 * image.pixels.size());
    const int turned[] = {130, 10, 170, 50, 210, 90};
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        ASSERT_NEAR(image.at(y, x), turned[y / c.block * 2 + x / c.block] / 255.0, 1.01 / 255);
      }
    }
  }
  // 19 x 9 at half its size has no half pixels: 10 x 5.
  const JpegFile odd{19, 9, JCS_GRAYSCALE, std::vector<uint8_t>(19 * 9, 77)};
  const Image half = decode_image(write_jpeg(odd), "x.jpg", {.shorter_side = 4});
  EXPECT_EQ(half.width, 10);
  EXPECT_EQ(half.height, 5);
}

TEST(Jpeg, AppliesAllOrientations) {
  // How 10 50 90 / 130 170 210 looks once shown as the orientation says.
  struct Case {
    int columns, rows;
    std::vector<uint8_t> levels;
  };
  const Case expected[] = {
      {3, 2, {10, 50, 90, 130, 170, 210}},  // 1: first row at the top, first column at the left
      {3, 2, {90, 50, 10, 210, 170, 130}},  // 2: top, right
      {3, 2, {210, 170, 130, 90, 50, 10}},  // 3: bottom, right
      {3, 2, {130, 170, 210, 10, 50, 90}},  // 4: bottom, left
      {2, 3, {10, 130, 50, 170, 90, 210}},  // 5: left, top
      {2, 3, {130, 10, 170, 50, 210, 90}},  // 6: right, top
      {2, 3, {210, 90, 170, 50, 130, 10}},  // 7: right, bottom
      {2, 3, {90, 210, 50, 170, 10, 130}},  // 8: left, bottom
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little : {false, true}) {
      SCOPED_TRACE(orientation);
      JpegFile file = blocks(3, 2, six_levels);
      file.app1 = app1(orientation, little);
      const Case& want = expected[orientation - 1];
      expect_blocks(decode_image(write_jpeg(file), "x.jpg"), want.columns, want.rows, want.levels);
    }
  }
}

// Damaged or foreign metadata cost no picture: it stays as stored.
TEST(Jpeg, PassesOverUnusableOrientations) {
  std::vector<std::string> segments = {app1(0, true),      app1(9, true),
                                       app1(65535, false), "http://ns.adobe.com/xap/1.0/\0<x/>"s,
                                       "Exif\0\0II"s,      "Exif\0\0XX*\0\x08\0\0\0"s};
  std::string far_directory = app1(6, true);
  far_directory[13] = '\xff';  // the directory's offset: about 2^32
  segments.push_back(far_directory);
  const std::string whole = app1(6, false);
  for (size_t size = 1; size + 6 < whole.size(); ++size) segments.push_back(whole.substr(0, size));
  for (const std::string& segment : segments) {
    JpegFile file = blocks(3, 2, six_levels);
    file.app1 = segment;
    const Image image = decode_image(write_jpeg(file), "x.jpg");
    // The cut segments become whole where the entry's value is.
    if (segment.size() + 8 < whole.size() || segment.size() >= whole.size()) {
      expect_blocks(image, 3, 2, six_levels);
    }
  }
}

TEST(Jpeg, RefusesEveryTruncation) {
  JpegFile file = blocks(3, 2, six_levels);
  file.app1 = app1(6, true);
  expect_no_prefix_decodes(write_jpeg(file));
  file.progressive = true;
  expect_no_prefix_decodes(write_jpeg(file));
  file.progressive = false;
  file.restart_interval = 1;
  expect_no_prefix_decodes(write_jpeg(file));
  expect_no_prefix_decodes(write_jpeg(solid(JCS_RGB, {200, 50, 100})));
}

TEST(Jpeg, RefusesLostRestartMarkers) {
  JpegFile file = blocks(3, 2, six_levels);
  file.restart_interval = 1;
  std::string bytes = write_jpeg(file);
  const size_t marker = bytes.find("\xff\xd1");
  ASSERT_NE(marker, std::string::npos);
  bytes.erase(marker, 2);
  EXPECT_THROW(decode_image(bytes, "x.jpg"), Error);
}

TEST(Jpeg, RefusesForgedSizes) {
  const std::string bytes = write_jpeg(blocks(3, 2, six_levels));
  const size_t frame = bytes.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  const auto with_size = [&](unsigned width, unsigned height) {
    std::string forged = bytes;
    for (const auto& [at, value] : {std::pair{frame + 5, height}, {frame + 7, width}}) {
      forged[at] = static_cast<char>(value >> 8);
      forged[at + 1] = static_cast<char>(value);
    }
    return forged;
  };
  EXPECT_EQ(with_size(24, 16), bytes);
  expect_refused(with_size(0, 16), "JPEG: ");
  expect_refused(with_size(24, 0), "JPEG: ");
  expect_refused(with_size(65535, 1), "JPEG: ");  // libjpeg's own limit is 65500
  expect_refused(with_size(16385, 1), "16385 x 1");
  expect_refused(with_size(16384, 16384), "16384 x 16384");
  expect_refused(with_size(16384, 4096), "cannot hold 16384 x 4096");
  expect_refused(with_size(24, 24), "JPEG: ");
  expect_refused(with_size(32, 16), "JPEG: ");
}

// The last scan of a progressive file, repeated: each is small, each passes over the whole image.
TEST(Jpeg, RefusesTooManyScans) {
  JpegFile file = blocks(3, 2, six_levels);
  file.two_scans = true;
  const std::string bytes = write_jpeg(file);
  const size_t last_scan = bytes.rfind("\xff\xda"), end = bytes.rfind("\xff\xd9");
  ASSERT_LT(last_scan, end);
  const auto with_repeats = [&](int repeats) {
    std::string bomb = bytes.substr(0, end);
    for (int i = 0; i < repeats; ++i) bomb += bytes.substr(last_scan, end - last_scan);
    return bomb + bytes.substr(end);
  };
  expect_blocks(decode_image(with_repeats(20), "x.jpg"), 3, 2, six_levels);
  expect_refused(with_repeats(100), "more than 64 scans");
}

TEST(Jpeg, RefusesWhatItDoesNotSupport) {
  expect_refused(write_jpeg(solid(JCS_CMYK, {10, 20, 30, 40})), "CMYK");
  JpegFile file = blocks(3, 2, six_levels);
  file.arithmetic = true;
  expect_refused(write_jpeg(file), "arithmetic");
  expect_refused("\xff\xd8\xff", "JPEG: ");
  expect_refused("\xff\xd8\xff\xd9", "JPEG: ");
}

}  // namespace
}  // namespace doppel::internal
