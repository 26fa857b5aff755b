#include "doppel/image/photo_source.h"

#include "doppel/base/file.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"

namespace doppel::internal {
namespace {

std::string as_png(const Image& image) {
  if (image.colors.empty()) return encode_png(image);
  RgbImage rgb{image.width, image.height, {}};
  rgb.pixels.reserve(image.pixels.size());
  const auto level = [&](size_t i) {
    return static_cast<uint8_t>(image.colors[i] * 255.0f + 0.5f);
  };
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    rgb.pixels.push_back({level(3 * i), level(3 * i + 1), level(3 * i + 2)});
  }
  return encode_png(rgb);
}

}  // namespace

const Image* PhotoSource::pixels() const {
  const auto* image = std::get_if<std::shared_ptr<const Image>>(&contents);
  return image != nullptr ? image->get() : nullptr;
}

std::string PhotoSource::file_bytes() const {
  if (const Image* image = pixels()) return as_png(*image);
  if (const auto* path = std::get_if<std::filesystem::path>(&contents)) {
    return read_file(*path, kMostImageBytes);
  }
  return *std::get<std::shared_ptr<const std::string>>(contents);
}

}  // namespace doppel::internal
