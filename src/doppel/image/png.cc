// PNG through libpng: every colour type, bit depth and interlace; transparent pixels lie on white.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

// A byte of deflate's output costs at least 1/1032 byte of its input (RFC 1951: 258 bytes by a
// length code and a distance code of one bit each).
constexpr uint64_t kMostDeflateRatio = 1032;

class PngReader {
 public:
  PngReader(std::string_view bytes, const std::string& name) : left_(bytes), name_(name) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw Error(ErrorKind::io, name_ + ": PNG: libpng cannot be set up");
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": PNG: " + what);
  }

  // Runs `calls(png, info)`. libpng leaves it by longjmp where it fails, so nothing inside may need
  // a destructor or throw; the failure becomes an Error here.
  template <typename Calls>
  void run(Calls calls) {
    if (attempt(calls)) return;
    fail(problem_);
  }

  static void on_read(png_structp png, png_bytep to, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > reader->left_.size()) png_error(png, "the file ends early");
    std::memcpy(to, reader->left_.data(), count);
    reader->left_.remove_prefix(count);
  }

 private:
  template <typename Calls>
  bool attempt(Calls& calls) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    calls(png_, info_);
    return true;
  }

  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->problem_, sizeof(reader->problem_), "%s", message);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

  std::string_view left_;  // what libpng has not read yet
  const std::string& name_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char problem_[128] = "";
};

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// What a row holds once libpng has unpacked it: `channels` samples a pixel (grey, grey and alpha,
// RGB or RGBA) of one byte or of two, most significant first; or indices into a palette.
struct RowFormat {
  size_t channels = 0;
  size_t sample_bytes = 0;
  size_t palette_size = 0;  // 0: no palette
  float palette[256] = {};  // the grey values of its colours
  float palette_colors[256][3] = {};
};

// libpng checks no index where it expands a palette itself, hence this.
RowFormat palette_format(png_structp png, png_infop info) {
  png_colorp colours = nullptr;
  png_bytep alphas = nullptr;
  int count = 0, alpha_count = 0;
  png_get_PLTE(png, info, &colours, &count);
  png_get_tRNS(png, info, &alphas, &alpha_count, nullptr);
  RowFormat format;
  for (int i = 0; i < count; ++i) {
    const float grey = luma(colours[i].red, colours[i].green, colours[i].blue, 255);
    const float alpha = i < alpha_count ? static_cast<float>(alphas[i]) / 255.0f : 1.0f;
    const png_byte rgb[] = {colours[i].red, colours[i].green, colours[i].blue};
    for (size_t c = 0; c < 3; ++c) {
      format.palette_colors[format.palette_size][c] =
          on_white(static_cast<float>(rgb[c]) / 255.0f, alpha);
    }
    format.palette[format.palette_size++] = on_white(grey, alpha);
  }
  return format;
}

// One row's grey values to `to` and, unless `colors` is null, its R, G and B to `colors`.
void read_row(const png_byte* row, const RowFormat& format, size_t width, float* to,
              float* colors) {
  const uint32_t most = format.sample_bytes == 2 ? 65535 : 255;
  const auto next_sample = [&] {
    uint32_t value = *row++;
    if (format.sample_bytes == 2) value = value << 8 | *row++;
    return value;
  };
  const auto in_unit = [&](uint32_t v) { return static_cast<float>(v) / static_cast<float>(most); };
  const bool is_colour = format.channels >= 3;
  for (size_t x = 0; x < width; ++x) {
    uint32_t rgb[3];
    rgb[0] = next_sample();
    for (size_t c = 1; c < 3; ++c) rgb[c] = is_colour ? next_sample() : rgb[0];
    to[x] = is_colour ? luma(rgb[0], rgb[1], rgb[2], most) : in_unit(rgb[0]);
    const bool has_alpha = format.channels % 2 == 0;
    const float alpha = has_alpha ? in_unit(next_sample()) : 1.0f;
    if (has_alpha) to[x] = on_white(to[x], alpha);
    if (colors == nullptr) continue;
    for (const uint32_t value : rgb) {
      *colors++ = has_alpha ? on_white(in_unit(value), alpha) : in_unit(value);
    }
  }
}

}  // namespace

Image decode_png(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  // The header chunk is the first; libpng would refuse a forged size as well, but not say which.
  if (bytes.size() >= 24 && bytes.substr(12, 4) == "IHDR") {
    check_size(ErrorKind::bad_data, big_endian(bytes.substr(16)), big_endian(bytes.substr(20)),
               name, options.most_pixels);
  }
  PngReader reader(bytes, name);
  size_t width = 0, height = 0, packed_row_bytes = 0, row_bytes = 0;
  int passes = 1;
  RowFormat format;

  reader.run([&](png_structp png, png_infop info) {
    png_set_read_fn(png, png_get_error_ptr(png), PngReader::on_read);
    png_set_user_limits(png, kMostSide, kMostSide);
    png_set_chunk_malloc_max(png, 1 << 20);
    // Of the chunks that are not pixels only the transparency matters; the others (texts, profiles,
    // times) are passed over unread. What is read must be right: no benign errors.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 0);
    png_read_info(png, info);
    width = png_get_image_width(png, info);
    height = png_get_image_height(png, info);
    packed_row_bytes = png_get_rowbytes(png, info);
    const bool indexed = png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE;
    if (indexed) {
      format = palette_format(png, info);
      png_set_packing(png);
    } else {
      png_set_expand(png);
    }
    passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    row_bytes = png_get_rowbytes(png, info);
    format.channels = png_get_channels(png, info);
    format.sample_bytes = png_get_bit_depth(png, info) / size_t{8};
  });
  check_size(ErrorKind::bad_data, static_cast<int64_t>(width), static_cast<int64_t>(height), name,
             options.most_pixels);
  if (uint64_t{packed_row_bytes} * height > kMostDeflateRatio * bytes.size()) {
    reader.fail("the file ends early: " + std::to_string(bytes.size()) + " bytes cannot hold " +
                std::to_string(width) + " x " + std::to_string(height) + " pixels");
  }

  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.pixels.resize(width * height);
  if (options.color) image.colors.resize(image.pixels.size() * 3);
  // An interlaced image is complete with its last pass, so all its rows are kept until then.
  std::vector<png_byte> rows(row_bytes * (passes > 1 ? height : 1));
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t y = 0; y < height; ++y) {
      png_byte* row = rows.data() + (passes > 1 ? y * row_bytes : 0);
      reader.run([&](png_structp png, png_infop) { png_read_row(png, row, nullptr); });
      if (pass < passes - 1) continue;
      float* to = image.pixels.data() + y * width;
      float* colors = options.color ? image.colors.data() + y * width * 3 : nullptr;
      if (format.palette_size == 0) {
        read_row(row, format, width, to, colors);
        continue;
      }
      for (size_t x = 0; x < width; ++x) {
        if (row[x] >= format.palette_size) reader.fail("a pixel's colour is not in the palette");
        to[x] = format.palette[row[x]];
        if (colors != nullptr) colors = std::copy_n(format.palette_colors[row[x]], 3, colors);
      }
    }
  }
  reader.run([](png_structp png, png_infop) { png_read_end(png, nullptr); });
  return image;
}

}  // namespace doppel::internal
