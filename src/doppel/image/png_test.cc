#include <gtest/gtest.h>
#include <png.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "doppel/image/bad_bytes.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"

namespace doppel::internal {
namespace {

struct PngFile {
  uint32_t width = 0, height = 0;
  int colour_type = PNG_COLOR_TYPE_GRAY;
  int depth = 8;
  std::vector<uint8_t> rows;  // packed as in the file, without filter bytes
  bool interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  int transparent_grey = -1;
};

std::string write_png(const PngFile& file) {
  std::string bytes;
  png_structp png = png_create_write_struct(
      PNG_LIBPNG_VER_STRING, nullptr,
      [](png_structp, png_const_charp what) { throw std::runtime_error(what); }, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, file.width, file.height, file.depth, file.colour_type,
               file.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
  if (!file.palette.empty()) {
    png_set_PLTE(png, info, file.palette.data(), static_cast<int>(file.palette.size()));
  }
  if (!file.palette_alpha.empty()) {
    png_set_tRNS(png, info, file.palette_alpha.data(), static_cast<int>(file.palette_alpha.size()),
                 nullptr);
  }
  if (file.transparent_grey >= 0) {
    png_color_16 colour{};
    colour.gray = static_cast<uint16_t>(file.transparent_grey);
    png_set_tRNS(png, info, nullptr, 0, &colour);
  }
  png_text text{};
  text.compression = PNG_TEXT_COMPRESSION_NONE;
  char key[] = "Comment", value[] = "a chunk that is not pixels";
  text.key = key;
  text.text = value;
  png_set_text(png, info, &text, 1);
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  std::vector<uint8_t> rows = file.rows;
  EXPECT_EQ(rows.size(), row_bytes * file.height);
  std::vector<png_bytep> pointers;
  for (size_t y = 0; y < file.height; ++y) pointers.push_back(rows.data() + y * row_bytes);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

void expect_pixels(const PngFile& file, const std::vector<float>& expected) {
  const Image image = decode_image(write_png(file), "x.png");
  EXPECT_EQ(image.width, static_cast<int>(file.width));
  EXPECT_EQ(image.height, static_cast<int>(file.height));
  ASSERT_EQ(image.pixels.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(image.pixels[i], expected[i]) << i;
}

// 13 x 11 distinct values: all seven interlace passes have pixels.
PngFile ramp_file(bool interlaced) {
  PngFile file{13, 11, PNG_COLOR_TYPE_GRAY, 8, {}, interlaced};
  for (int i = 0; i < 13 * 11; ++i) file.rows.push_back(static_cast<uint8_t>(i + 50));
  return file;
}

PngFile palette_with_alpha() {
  return {4,
          2,
          PNG_COLOR_TYPE_PALETTE,
          2,
          {0b00011011, 0b11100100},
          false,
          {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {0, 0, 0}},
          {255, 255, 255, 51}};
}

TEST(Png, ReadsGreyOfEveryDepth) {
  expect_pixels({8, 1, PNG_COLOR_TYPE_GRAY, 1, {0b10110001}}, {1, 0, 1, 1, 0, 0, 0, 1});
  expect_pixels({4, 1, PNG_COLOR_TYPE_GRAY, 2, {0b00011011}}, {0, 1 / 3.0f, 2 / 3.0f, 1});
  expect_pixels({2, 2, PNG_COLOR_TYPE_GRAY, 4, {0x0f, 0x5a}}, {0, 1, 5 / 15.0f, 10 / 15.0f});
  expect_pixels({3, 1, PNG_COLOR_TYPE_GRAY, 8, {0, 1, 255}}, {0, 1 / 255.0f, 1});
  expect_pixels({2, 1, PNG_COLOR_TYPE_GRAY, 16, {0x12, 0x34, 0xff, 0xff}}, {0x1234 / 65535.0f, 1});
}

TEST(Png, EightBitGreyIsExact) {
  const Image image = decode_image(write_png(ramp_file(false)), "x.png");
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    EXPECT_EQ(image.pixels[i], static_cast<float>(i + 50) / 255.0f);
  }
}

TEST(Png, ReadsColourAsLuma) {
  expect_pixels({4, 1, PNG_COLOR_TYPE_RGB, 8, {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9}},
                {0.299f, 0.587f, 0.114f, 9 / 255.0f});
  expect_pixels({1, 1, PNG_COLOR_TYPE_RGB, 16, {0xff, 0xff, 0x00, 0x00, 0x80, 0x00}},
                {0.299f + 0.114f * 32768 / 65535});
}

TEST(Png, LaysTransparencyOnWhite) {
  expect_pixels({3, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {0, 255, 0, 0, 0, 51}}, {0, 1, 0.8f});
  expect_pixels({2, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, {255, 0, 0, 255, 0, 0, 0, 102}},
                {0.299f, 0.6f});
  expect_pixels({1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 16, {0, 0, 0x33, 0x33}}, {0.8f});
  expect_pixels({2, 1, PNG_COLOR_TYPE_GRAY, 8, {7, 8}, false, {}, {}, 7}, {1, 8 / 255.0f});
}

TEST(Png, ReadsPalettes) {
  expect_pixels(palette_with_alpha(), {0.299f, 0.587f, 0.114f, 0.8f, 0.8f, 0.114f, 0.587f, 0.299f});
}

TEST(Png, ReadsColoursBesideTheLuma) {
  const std::vector<std::pair<PngFile, std::vector<float>>> cases = {
      {{2, 1, PNG_COLOR_TYPE_RGB, 8, {255, 0, 51, 0, 102, 255}}, {1, 0, 0.2f, 0, 0.4f, 1}},
      {{1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, {255, 0, 0, 51}}, {1, 0.8f, 0.8f}},
      {{2, 1, PNG_COLOR_TYPE_GRAY, 8, {0, 51}}, {0, 0, 0, 0.2f, 0.2f, 0.2f}},
      {palette_with_alpha(),
       {1, 0, 0, 0, 1, 0, 0, 0, 1, 0.8f, 0.8f, 0.8f, 0.8f, 0.8f, 0.8f, 0, 0, 1, 0, 1, 0, 1, 0, 0}}};
  for (const auto& [file, colors] : cases) {
    const Image image = decode_image(write_png(file), "x.png", {.color = true});
    EXPECT_EQ(image.pixels, decode_image(write_png(file), "x.png").pixels);
    ASSERT_EQ(image.colors.size(), colors.size());
    for (size_t i = 0; i < colors.size(); ++i) EXPECT_FLOAT_EQ(image.colors[i], colors[i]) << i;
  }
  PngFile interlaced{13, 11, PNG_COLOR_TYPE_RGB, 8, {}, true};
  for (int i = 0; i < 13 * 11 * 3; ++i) interlaced.rows.push_back(static_cast<uint8_t>(i));
  PngFile plain = interlaced;
  plain.interlaced = false;
  EXPECT_EQ(decode_image(write_png(interlaced), "i", {.color = true}).colors,
            decode_image(write_png(plain), "p", {.color = true}).colors);
}

TEST(Png, ReadsInterlacedLikePlain) {
  EXPECT_EQ(decode_image(write_png(ramp_file(true)), "i").pixels,
            decode_image(write_png(ramp_file(false)), "p").pixels);
}

TEST(Png, RefusesEveryTruncation) {
  expect_no_prefix_decodes(write_png(ramp_file(false)));
  expect_no_prefix_decodes(write_png(ramp_file(true)));
  expect_no_prefix_decodes(write_png(palette_with_alpha()));
}

// Checksums guard every byte of a PNG but the signature's, and that is compared.
TEST(Png, NoticesEveryChangedByte) {
  const std::string bytes = write_png(palette_with_alpha());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_THROW(decode_image(changed, "changed"), Error) << "byte " << i;
  }
}

uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void put_big_endian(std::string& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

// A well-formed file whose header says another size: the checksum is made to fit.
std::string with_size(std::string bytes, uint32_t width, uint32_t height) {
  put_big_endian(bytes, 16, width);
  put_big_endian(bytes, 20, height);
  put_big_endian(bytes, 29, crc32_of(std::string_view(bytes).substr(12, 17)));
  return bytes;
}

TEST(Png, RefusesForgedSizes) {
  const std::string bytes = write_png(ramp_file(false));
  EXPECT_EQ(with_size(bytes, 13, 11), bytes);
  expect_refused(with_size(bytes, 0, 11), "0 x 11");
  expect_refused(with_size(bytes, 13, 0), "13 x 0");
  expect_refused(with_size(bytes, 0x80000000u, 11), "2147483648 x 11");
  expect_refused(with_size(bytes, 13, 0xFFFFFFFFu), "13 x 4294967295");
  expect_refused(with_size(bytes, 16384, 16384), "16384 x 16384");
  expect_refused(with_size(bytes, 16384, 4096), "cannot hold 16384 x 4096");
  expect_refused(with_size(write_png(ramp_file(true)), 4096, 16384), "cannot hold 4096 x 16384");
}

TEST(Png, RefusesDataThatDoNotMatchTheHeader) {
  for (const bool interlaced : {false, true}) {
    const std::string bytes = write_png(ramp_file(interlaced));
    expect_refused(with_size(bytes, 13, 12), "PNG: ");
    expect_refused(with_size(bytes, 13, 10), "PNG: ");
    expect_refused(with_size(bytes, 14, 11), "PNG: ");
  }
}

TEST(Png, RefusesColoursOutsideThePalette) {
  // libpng would not write such a file, so the palette of four colours is cut to three.
  std::string bytes = write_png(palette_with_alpha());
  const size_t plte = bytes.find("PLTE");
  put_big_endian(bytes, plte - 4, 9);
  bytes.erase(plte + 4 + 9, 3);
  put_big_endian(bytes, plte + 13, crc32_of(std::string_view(bytes).substr(plte, 13)));
  const size_t trns = bytes.find("tRNS");
  put_big_endian(bytes, trns - 4, 3);
  bytes.erase(trns + 4 + 3, 1);
  put_big_endian(bytes, trns + 7, crc32_of(std::string_view(bytes).substr(trns, 7)));
  expect_refused(bytes, "not in the palette");
}

}  // namespace
}  // namespace doppel::internal
