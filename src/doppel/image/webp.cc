// Still WebP through libwebp: lossy and lossless files; transparent pixels lie on white. Upright by
// their EXIF orientation.
#include <webp/decode.h>

#include <cstdint>
#include <utility>

#include "doppel/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/orientation.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

constexpr size_t kRiffHeader = 12, kChunkHeader = 8;

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// The EXIF data of a whole file, a chunk behind the pixels; empty where there are none.
std::string_view exif_of(std::string_view file) {
  using namespace std::string_view_literals;
  std::string_view left = file.substr(kRiffHeader);
  while (left.size() >= kChunkHeader) {
    const uint64_t size = little_endian(left.substr(4));
    const std::string_view payload = left.substr(kChunkHeader, static_cast<size_t>(size));
    if (left.starts_with("EXIF"sv)) {
      // By the container's definition the TIFF header comes first, many write JPEG's prefix.
      return payload.starts_with("Exif\0\0"sv) ? payload.substr(6) : payload;
    }
    const uint64_t chunk = kChunkHeader + size + size % 2;
    if (chunk >= left.size()) break;
    left.remove_prefix(static_cast<size_t>(chunk));
  }
  return {};
}

const char* words_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature that is not supported";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the data end early";
    default:
      return "the data are damaged";
  }
}

struct Decoder {
  WebPDecoderConfig config;

  Decoder() { WebPInitDecoderConfig(&config); }
  ~Decoder() { WebPFreeDecBuffer(&config.output); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

}  // namespace

Image decode_webp(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, name + ": WebP: " + what);
  };
  const uint64_t riff = uint64_t{little_endian(bytes.substr(4))} + 8;
  if (riff > bytes.size()) {
    fail("the file ends early: its header promises " + std::to_string(riff) + " bytes, there are " +
         std::to_string(bytes.size()));
  }
  if (riff < kRiffHeader) fail("the data are damaged");
  bytes = bytes.substr(0, static_cast<size_t>(riff));
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());

  Decoder decoder;
  WebPDecoderConfig& config = decoder.config;
  const VP8StatusCode header = WebPGetFeatures(data, bytes.size(), &config.input);
  if (header != VP8_STATUS_OK) fail(words_of(header));
  const int width = config.input.width, height = config.input.height;
  check_size(ErrorKind::bad_data, width, height, name, options.most_pixels);
  if (config.input.has_animation) fail("a still picture was expected, not an animation");
  // The lossy format spends more than a bit on the modes of each macroblock, whose probabilities
  // are fixed (RFC 6386, 11.2). The lossless one may fill any picture with one colour for no bits
  // at all and is bounded by its size alone.
  const uint64_t macroblocks =
      static_cast<uint64_t>((width + 15) / 16) * static_cast<uint64_t>((height + 15) / 16);
  if (config.input.format == 1 && macroblocks > 8 * uint64_t{bytes.size()}) {
    fail("the file ends early: " + std::to_string(bytes.size()) + " bytes cannot hold " +
         std::to_string(width) + " x " + std::to_string(height) + " pixels");
  }

  const bool has_alpha = config.input.has_alpha != 0;
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  const int divisor = decode_divisor(width, height, options.shorter_side);
  Image image;
  image.width = (width + divisor - 1) / divisor;
  image.height = (height + divisor - 1) / divisor;
  image.divisor = divisor;
  if (divisor > 1) {
    config.options.use_scaling = 1;
    config.options.scaled_width = image.width;
    config.options.scaled_height = image.height;
  }
  const VP8StatusCode status = WebPDecode(data, bytes.size(), &config);
  if (status != VP8_STATUS_OK) fail(words_of(status));

  const size_t columns = static_cast<size_t>(image.width), rows = static_cast<size_t>(image.height);
  image.pixels.resize(columns * rows);
  if (options.color) image.colors.resize(image.pixels.size() * 3);
  float* to = image.pixels.data();
  float* color = image.colors.data();
  for (size_t y = 0; y < rows; ++y) {
    const uint8_t* from =
        config.output.u.RGBA.rgba + y * static_cast<size_t>(config.output.u.RGBA.stride);
    for (size_t x = 0; x < columns; ++x, ++to, from += has_alpha ? 4 : 3) {
      *to = luma(from[0], from[1], from[2], 255);
      const float alpha = has_alpha ? static_cast<float>(from[3]) / 255.0f : 1.0f;
      if (has_alpha) *to = on_white(*to, alpha);
      if (!options.color) continue;
      for (size_t c = 0; c < 3; ++c) {
        const float value = static_cast<float>(from[c]) / 255.0f;
        *color++ = has_alpha ? on_white(value, alpha) : value;
      }
    }
  }
  return upright(std::move(image), exif_orientation(exif_of(bytes)));
}

}  // namespace doppel::internal
