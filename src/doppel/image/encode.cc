#include "doppel/image/encode.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

template <typename AnyImage>
void check_picture(const AnyImage& image) {
  check_size(ErrorKind::bad_argument, image.width, image.height, "image to encode");
  const size_t expected = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  if (image.pixels.size() != expected) {
    throw Error(ErrorKind::bad_argument, "image to encode: " + std::to_string(expected) +
                                             " pixels were expected, there are " +
                                             std::to_string(image.pixels.size()));
  }
}

uint8_t to_byte(float value) {
  if (!(value > 0.0f)) return 0;
  return static_cast<uint8_t>(std::min(value, 1.0f) * 255.0f + 0.5f);
}

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, nullptr);
      throw Error(ErrorKind::io, "PNG: libpng cannot be set up");
    }
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  // `rows` holds height x width pixels of `colour_type`, 8 bits a sample.
  std::string write(const uint8_t* rows, int width, int height, int colour_type) {
    if (!attempt(rows, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
                 colour_type)) {
      throw Error(ErrorKind::io, std::string("PNG: cannot be written: ") + problem_);
    }
    return std::move(bytes_);
  }

 private:
  // libpng leaves this by longjmp where it fails: nothing in it has a destructor.
  bool attempt(const uint8_t* rows, png_uint_32 width, png_uint_32 height, int colour_type) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_write_fn(png_, this, on_write, [](png_structp) {});
    png_set_IHDR(png_, info_, width, height, 8, colour_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    const size_t row_bytes = png_get_rowbytes(png_, info_);
    for (size_t y = 0; y < height; ++y) png_write_row(png_, rows + y * row_bytes);
    png_write_end(png_, info_);
    return true;
  }

  static void on_write(png_structp png, png_bytep bytes, size_t count) {
    bool full = false;
    try {  // no exception may cross libpng's frames
      static_cast<PngWriter*>(png_get_io_ptr(png))
          ->bytes_.append(reinterpret_cast<const char*>(bytes), count);
    } catch (const std::exception&) {
      full = true;
    }
    if (full) png_error(png, "out of memory");
  }

  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto* writer = static_cast<PngWriter*>(png_get_error_ptr(png));
    std::snprintf(writer->problem_, sizeof(writer->problem_), "%s", message);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

  std::string bytes_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char problem_[128] = "";
};

}  // namespace

std::string encode_pgm(const Image& image) {
  check_picture(image);
  std::string bytes =
      "P5\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n";
  bytes.reserve(bytes.size() + image.pixels.size());
  for (const float value : image.pixels) bytes += static_cast<char>(to_byte(value));
  return bytes;
}

std::string encode_png(const Image& image) {
  check_picture(image);
  std::vector<uint8_t> rows(image.pixels.size());
  std::transform(image.pixels.begin(), image.pixels.end(), rows.begin(), to_byte);
  return PngWriter().write(rows.data(), image.width, image.height, PNG_COLOR_TYPE_GRAY);
}

std::string encode_png(const RgbImage& image) {
  check_picture(image);
  static_assert(sizeof(Rgb) == 3);
  return PngWriter().write(reinterpret_cast<const uint8_t*>(image.pixels.data()), image.width,
                           image.height, PNG_COLOR_TYPE_RGB);
}

}  // namespace doppel::internal
