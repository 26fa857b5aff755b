#include "doppel/photo.h"

#include <utility>

#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/photo_source.h"

namespace doppel {
namespace {

// Where a pixel's red, green and blue stand, and its bytes.
struct PixelLayout {
  size_t red = 0, green = 0, blue = 0, bytes = 1;
};

PixelLayout layout_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::grey:
      return {0, 0, 0, 1};
    case PixelFormat::rgb:
      return {0, 1, 2, 3};
    case PixelFormat::bgr:
      return {2, 1, 0, 3};
    case PixelFormat::rgba:
      return {0, 1, 2, 4};
    case PixelFormat::bgra:
      return {2, 1, 0, 4};
  }
  throw Error(ErrorKind::bad_argument, "format: a value of doppel::PixelFormat was expected");
}

}  // namespace

Photo::Photo(std::shared_ptr<const internal::PhotoSource> source) : source_(std::move(source)) {}

Photo Photo::load(const std::filesystem::path& file) {
  return Photo(std::make_shared<internal::PhotoSource>(internal::PhotoSource::of_bytes(
      file.string(), internal::read_file(file, internal::kMostImageBytes))));
}

Photo Photo::decode(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > internal::kMostImageBytes) {
    throw Error(ErrorKind::bad_data, name + ": larger than the " +
                                         std::to_string(internal::kMostImageBytes) +
                                         " bytes that are accepted here");
  }
  return Photo(std::make_shared<internal::PhotoSource>(internal::PhotoSource::of_bytes(
      name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()))));
}

Photo Photo::from_pixels(const uint8_t* pixels, int width, int height, size_t row_bytes,
                         PixelFormat format, const std::string& name) {
  constexpr size_t kMostRowBytes = size_t{1} << 31;
  if (pixels == nullptr) throw Error(ErrorKind::bad_argument, name + ": pixels were expected");
  internal::check_size(ErrorKind::bad_argument, width, height, name);
  const PixelLayout layout = layout_of(format);
  const size_t columns = static_cast<size_t>(width), rows = static_cast<size_t>(height);
  if (row_bytes < columns * layout.bytes || row_bytes > kMostRowBytes) {
    throw Error(ErrorKind::bad_argument,
                name + ": rows of " + std::to_string(columns * layout.bytes) + " to " +
                    std::to_string(kMostRowBytes) + " bytes were expected, not of " +
                    std::to_string(row_bytes));
  }
  internal::Image image{width, height, {}};
  image.pixels.reserve(columns * rows);
  if (format != PixelFormat::grey) image.colors.reserve(3 * columns * rows);
  for (size_t row = 0; row < rows; ++row) {
    const uint8_t* pixel = pixels + row * row_bytes;
    for (size_t column = 0; column < columns; ++column, pixel += layout.bytes) {
      const uint8_t rgb[] = {pixel[layout.red], pixel[layout.green], pixel[layout.blue]};
      image.pixels.push_back(internal::luma(rgb[0], rgb[1], rgb[2], 255));
      if (format == PixelFormat::grey) continue;
      for (const uint8_t value : rgb) image.colors.push_back(static_cast<float>(value) / 255.0f);
    }
  }
  return Photo(std::make_shared<internal::PhotoSource>(
      internal::PhotoSource::of_pixels(name, std::move(image))));
}

const std::string& Photo::name() const { return source_->name; }

}  // namespace doppel
