#include <gtest/gtest.h>
#include <webp/encode.h>

#include <cstdint>
#include <string>
#include <vector>

#include "doppel/image/bad_bytes.h"
#include "doppel/image/decode.h"
#include "doppel/image/exif_bytes.h"

namespace doppel::internal {
namespace {

using namespace std::string_literals;

struct WebpFile {
  int width = 0, height = 0;
  std::vector<uint8_t> rgba;
  bool lossless = true;
};

std::string write_webp(const WebpFile& file) {
  WebPConfig config;
  EXPECT_TRUE(WebPConfigInit(&config));
  config.lossless = file.lossless ? 1 : 0;
  config.exact = 1;  // keep the colour of what is transparent
  config.quality = 100;
  WebPPicture picture;
  EXPECT_TRUE(WebPPictureInit(&picture));
  picture.use_argb = file.lossless ? 1 : 0;
  picture.width = file.width;
  picture.height = file.height;
  EXPECT_EQ(file.rgba.size(), static_cast<size_t>(file.width * file.height * 4));
  EXPECT_TRUE(WebPPictureImportRGBA(&picture, file.rgba.data(), file.width * 4));
  std::string bytes;
  picture.custom_ptr = &bytes;
  picture.writer = [](const uint8_t* data, size_t size, const WebPPicture* to) {
    static_cast<std::string*>(to->custom_ptr)->append(reinterpret_cast<const char*>(data), size);
    return 1;
  };
  EXPECT_TRUE(WebPEncode(&config, &picture));
  WebPPictureFree(&picture);
  return bytes;
}

// Flat blocks of 16 x 16 pixels of these grey levels, `columns` side by side.
WebpFile grey_blocks(int columns, const std::vector<uint8_t>& levels, bool lossless) {
  WebpFile file{columns * 16, static_cast<int>(levels.size()) / columns * 16, {}, lossless};
  for (int y = 0; y < file.height; ++y) {
    for (int x = 0; x < file.width; ++x) {
      const uint8_t level = levels[static_cast<size_t>(y / 16 * columns + x / 16)];
      file.rgba.insert(file.rgba.end(), {level, level, level, 255});
    }
  }
  return file;
}

const std::vector<uint8_t> four_levels = {20, 90, 160, 230};  // 2 x 2 blocks

// Lossy, its opacity falling from left to right: the container's extended form, with an ALPH chunk.
WebpFile fading() {
  WebpFile file{24, 20, {}, false};
  for (int i = 0; i < 24 * 20; ++i) {
    file.rgba.insert(file.rgba.end(), {60, 60, 60, static_cast<uint8_t>(250 - 10 * (i % 24))});
  }
  return file;
}

void put_little_endian(std::string& bytes, size_t at, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> 8 * i);
}

std::string chunk(const char* name, const std::string& payload) {
  std::string bytes = name + "\0\0\0\0"s + payload + (payload.size() % 2 ? "\0"s : ""s);
  put_little_endian(bytes, 4, static_cast<uint32_t>(payload.size()), 4);
  return bytes;
}

// The chunks of a simple file behind a VP8X chunk with these flags, and `more` behind them.
std::string extended(const std::string& simple, int width, int height, int flags,
                     const std::string& more) {
  std::string canvas(10, '\0');
  canvas[0] = static_cast<char>(flags);
  put_little_endian(canvas, 4, static_cast<uint32_t>(width - 1), 3);
  put_little_endian(canvas, 7, static_cast<uint32_t>(height - 1), 3);
  return chunk("RIFF", "WEBP" + chunk("VP8X", canvas) + simple.substr(12) + more);
}

TEST(Webp, ReadsLosslessPixelsExactly) {
  WebpFile file{16, 16, {}};
  for (int v = 0; v < 256; ++v) {
    const auto level = static_cast<uint8_t>(v);
    file.rgba.insert(file.rgba.end(), {level, level, level, 255});
  }
  const Image image = decode_image(write_webp(file), "x.webp");
  ASSERT_EQ(image.width, 16);
  ASSERT_EQ(image.height, 16);
  for (size_t v = 0; v < 256; ++v) EXPECT_EQ(image.pixels[v], static_cast<float>(v) / 255.0f);
}

TEST(Webp, ReadsColourAsLumaAndTransparencyOnWhite) {
  const WebpFile file{5, 1, {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255,  //
                             255, 0, 0, 0,   0, 0,   0, 102}};
  const std::string bytes = write_webp(file);
  const Image grey = decode_image(bytes, "x.webp");
  const float expected[] = {0.299f, 0.587f, 0.114f, 1.0f, 0.6f};
  for (size_t i = 0; i < 5; ++i) EXPECT_FLOAT_EQ(grey.pixels[i], expected[i]) << i;
  EXPECT_TRUE(grey.colors.empty());

  const Image colour = decode_image(bytes, "x.webp", {.color = true});
  EXPECT_EQ(colour.pixels, grey.pixels);
  const float colors[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0.6f, 0.6f, 0.6f};
  ASSERT_EQ(colour.colors.size(), 15u);
  for (size_t i = 0; i < 15; ++i) EXPECT_FLOAT_EQ(colour.colors[i], colors[i]) << i;
}

TEST(Webp, ReadsLossyFiles) {
  const Image image = decode_image(write_webp(grey_blocks(2, four_levels, false)), "x.webp");
  ASSERT_EQ(image.width, 32);
  ASSERT_EQ(image.height, 32);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      const size_t block = static_cast<size_t>(y / 16 * 2 + x / 16);
      ASSERT_NEAR(image.at(y, x), four_levels[block] / 255.0, 3.01 / 255) << y << ' ' << x;
    }
  }
  const Image fades = decode_image(write_webp(fading()), "x.webp");
  for (int x = 0; x < 24; ++x) {
    const double alpha = (250 - 10 * x) / 255.0;
    ASSERT_NEAR(fades.at(7, x), alpha * 60 / 255 + 1 - alpha, 2.01 / 255) << x;
  }
}

TEST(Webp, ComesReducedWhileTheShorterSideStaysLongEnough) {
  struct Case {
    int shorter_side, block;
  };
  for (const bool lossless : {false, true}) {
    const std::string bytes = write_webp(grey_blocks(2, four_levels, lossless));
    for (const Case& c : {Case{0, 16}, {17, 16}, {16, 8}, {9, 8}, {8, 4}, {4, 2}, {1, 2}}) {
      SCOPED_TRACE(c.shorter_side);
      const Image image = decode_image(bytes, "x", {.shorter_side = c.shorter_side});
      ASSERT_EQ(image.width, 2 * c.block);
      ASSERT_EQ(image.height, 2 * c.block);
      ASSERT_EQ(image.divisor, 16 / c.block);
      EXPECT_NEAR(image.at(0, 0), 20 / 255.0, 3.01 / 255);
      EXPECT_NEAR(image.at(0, image.width - 1), 90 / 255.0, 3.01 / 255);
      EXPECT_NEAR(image.at(image.height - 1, 0), 160 / 255.0, 3.01 / 255);
      EXPECT_NEAR(image.at(image.height - 1, image.width - 1), 230 / 255.0, 3.01 / 255);
    }
  }
}

TEST(Webp, AppliesTheExifOrientation) {
  const WebpFile file{3, 2, {10,  10,  10,  255, 50,  50,  50,  255, 90,  90,  90,  255,  //
                             130, 130, 130, 255, 170, 170, 170, 255, 210, 210, 210, 255}};
  constexpr int kExif = 8;  // the flag for a chunk of that name
  for (const std::string& prefix : {""s, "Exif\0\0"s}) {
    const std::string bytes =
        extended(write_webp(file), 3, 2, kExif,
                 chunk("XMP ", "odd") + chunk("EXIF", prefix + exif_bytes(6, true)));
    const Image image = decode_image(bytes, "x.webp");
    ASSERT_EQ(image.width, 2);
    ASSERT_EQ(image.height, 3);
    const int turned[] = {130, 10, 170, 50, 210, 90};
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(image.pixels[i], static_cast<float>(turned[i]) / 255.0f) << i;
    }
  }
}

TEST(Webp, RefusesEveryTruncation) {
  expect_no_prefix_decodes(write_webp(grey_blocks(2, four_levels, true)));
  expect_no_prefix_decodes(write_webp(grey_blocks(2, four_levels, false)));
  expect_no_prefix_decodes(write_webp(fading()));
}

// Cut, with a container whose size is made to fit: what is left to notice it is the decoder.
TEST(Webp, RefusesCutPixelsInAWholeContainer) {
  for (const bool lossless : {false, true}) {
    const std::string whole = write_webp(grey_blocks(2, four_levels, lossless));
    std::string cut = whole.substr(0, 20 + (whole.size() - 20) / 2 / 2 * 2);
    put_little_endian(cut, 4, static_cast<uint32_t>(cut.size() - 8), 4);
    EXPECT_THROW(decode_image(cut, "cut"), Error);
    put_little_endian(cut, 16, static_cast<uint32_t>(cut.size() - 20), 4);
    EXPECT_THROW(decode_image(cut, "cut"), Error);
  }
}

TEST(Webp, RefusesForgedSizes) {
  const std::string lossy = write_webp(grey_blocks(2, four_levels, false));
  const size_t frame = lossy.find("\x9d\x01\x2a");  // RFC 6386, 9.1: then 14 bits each
  ASSERT_NE(frame, std::string::npos);
  const auto lossy_of = [&](uint32_t width, uint32_t height) {
    std::string forged = lossy;
    put_little_endian(forged, frame + 3, width, 2);
    put_little_endian(forged, frame + 5, height, 2);
    return forged;
  };
  EXPECT_EQ(lossy_of(32, 32), lossy);
  expect_refused(lossy_of(0, 32), "WebP: ");
  expect_refused(lossy_of(16383, 16383), "16383 x 16383");
  expect_refused(lossy_of(16383, 4096), "cannot hold 16383 x 4096");
  expect_refused(lossy_of(4096, 64), "WebP: ");

  const std::string lossless = write_webp(grey_blocks(2, four_levels, true));
  ASSERT_EQ(lossless.substr(12, 4), "VP8L");
  const auto lossless_of = [&](uint32_t width, uint32_t height) {
    std::string forged = lossless;  // 14 bits each, less one, behind the signature 0x2f
    put_little_endian(forged, 21, (width - 1) | (height - 1) << 14, 4);
    return forged;
  };
  EXPECT_EQ(lossless_of(32, 32), lossless);
  expect_refused(lossless_of(16384, 16384), "16384 x 16384");
  expect_refused(lossless_of(16384, 4096), "WebP: ");
  expect_refused(lossless_of(64, 64), "WebP: ");

  // The container's canvas, and a picture that is not of its size.
  EXPECT_NO_THROW(decode_image(extended(lossy, 32, 32, 0, ""), "x"));
  expect_refused(extended(lossy, 1 << 24, 32, 0, ""), "WebP: ");
  expect_refused(extended(lossy, 64, 32, 0, ""), "WebP: ");

  std::string container = lossy;
  put_little_endian(container, 4, 0xFFFFFFFF, 4);
  expect_refused(container, "the file ends early");
  put_little_endian(container, 4, 0, 4);
  expect_refused(container, "damaged");
}

TEST(Webp, RefusesAnimations) {
  constexpr int kAnimation = 2;
  const std::string still = write_webp(grey_blocks(2, four_levels, false));
  expect_refused(extended(still, 32, 32, kAnimation, ""), "animation");
}

}  // namespace
}  // namespace doppel::internal
