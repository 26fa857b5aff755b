// JPEG through libjpeg-turbo: baseline and progressive files, upright by their EXIF orientation.
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/orientation.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

// Every scan of a progressive file passes over the whole image and may cost its author a few bytes
// only. Encoders write about ten.
constexpr int kMostScans = 64;

class JpegReader {
 public:
  explicit JpegReader(const std::string& name) : name_(name) {
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = on_progress;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  const jpeg_decompress_struct& jpeg() const { return jpeg_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": JPEG: " + what);
  }

  void open(std::string_view bytes) {
    run([&](jpeg_decompress_struct& jpeg) {
      jpeg_create_decompress(&jpeg);
      jpeg.progress = &progress_;
      jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    });
  }

  // Runs `calls(jpeg)`. libjpeg leaves it by longjmp where it fails, so nothing inside may need a
  // destructor or throw; the failure becomes an Error here.
  template <typename Calls>
  void run(Calls calls) {
    if (attempt(calls)) return;
    fail(problem_);
  }

 private:
  template <typename Calls>
  bool attempt(Calls& calls) {
    if (setjmp(jump_) != 0) return false;
    calls(jpeg_);
    return true;
  }

  static JpegReader& self(j_common_ptr jpeg) {
    return *static_cast<JpegReader*>(jpeg->client_data);
  }

  [[noreturn]] static void on_error(j_common_ptr jpeg) {
    jpeg->err->format_message(jpeg, self(jpeg).problem_);
    std::longjmp(self(jpeg).jump_, 1);
  }

  // libjpeg paints what is missing or damaged grey and only warns. Here that is an error, except
  // for what real cameras write and what costs no pixel.
  static void on_message(j_common_ptr jpeg, int level) {
    const int code = jpeg->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR &&
        code != JWRN_ADOBE_XFORM) {
      on_error(jpeg);
    }
  }

  static void on_progress(j_common_ptr jpeg) {
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMostScans) return;
    std::snprintf(self(jpeg).problem_, sizeof(problem_), "more than %d scans", kMostScans);
    std::longjmp(self(jpeg).jump_, 1);
  }

  const std::string& name_;
  jpeg_decompress_struct jpeg_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  char problem_[JMSG_LENGTH_MAX] = "";
};

// One pixel's R, G and B in [0, 1] to `rgb`; returns its grey value, to the bit what libjpeg gives
// where it is asked for grey alone.
float read_color(const JSAMPLE* samples, J_COLOR_SPACE space, float* rgb) {
  if (space == JCS_RGB) {
    for (size_t c = 0; c < 3; ++c) rgb[c] = static_cast<float>(samples[c]) / 255.0f;
    // libjpeg's luma in 16 binary places, rounded to a byte.
    const uint32_t grey =
        (19595u * samples[0] + 38470u * samples[1] + 7471u * samples[2] + 32768u) >> 16;
    return static_cast<float>(grey) / 255.0f;
  }
  // JFIF 1.02: full range, chroma around 128.
  const auto y = static_cast<float>(samples[0]);
  const float cb = static_cast<float>(samples[1]) - 128.0f;
  const float cr = static_cast<float>(samples[2]) - 128.0f;
  const float values[] = {y + 1.402f * cr, y - 0.344136f * cb - 0.714136f * cr, y + 1.772f * cb};
  for (size_t c = 0; c < 3; ++c) rgb[c] = std::clamp(values[c], 0.0f, 255.0f) / 255.0f;
  return y / 255.0f;
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  JpegReader reader(name);
  reader.open(bytes);
  reader.run([](jpeg_decompress_struct& jpeg) {
    jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&jpeg, TRUE);
  });
  const jpeg_decompress_struct& jpeg = reader.jpeg();
  check_size(ErrorKind::bad_data, jpeg.image_width, jpeg.image_height, name, options.most_pixels);
  if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    reader.fail("grey or colour (YCbCr, RGB) was expected, not CMYK; convert it first");
  }
  if (jpeg.arith_code) {
    reader.fail("Huffman coding was expected, not arithmetic coding; convert it first");
  }
  // Every 8 x 8 block costs at least the one bit of its DC coefficient's code.
  uint64_t blocks = 0;
  for (int i = 0; i < jpeg.num_components; ++i) {
    blocks += uint64_t{jpeg.comp_info[i].width_in_blocks} * jpeg.comp_info[i].height_in_blocks;
  }
  if (blocks > 8 * uint64_t{bytes.size()}) {
    reader.fail("the file ends early: " + std::to_string(bytes.size()) + " bytes cannot hold " +
                std::to_string(jpeg.image_width) + " x " + std::to_string(jpeg.image_height) +
                " pixels");
  }
  int orientation = 1;
  for (const jpeg_marker_struct* marker = jpeg.marker_list; marker != nullptr && orientation == 1;
       marker = marker->next) {
    using namespace std::string_view_literals;
    const std::string_view segment(reinterpret_cast<const char*>(marker->data),
                                   size_t{marker->data_length});
    if (segment.starts_with("Exif\0\0"sv)) orientation = exif_orientation(segment.substr(6));
  }

  const bool color = options.color && jpeg.num_components == 3;
  const int divisor = decode_divisor(jpeg.image_width, jpeg.image_height, options.shorter_side);
  reader.run([&](jpeg_decompress_struct& decompress) {
    decompress.out_color_space = JCS_GRAYSCALE;
    if (color) {  // YCbCr stays as it is: its Y is what grey is
      decompress.out_color_space = jpeg.jpeg_color_space == JCS_RGB ? JCS_RGB : JCS_YCbCr;
    }
    decompress.scale_num = 1;
    decompress.scale_denom = static_cast<unsigned>(divisor);
    decompress.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&decompress);
  });
  Image image;
  image.width = static_cast<int>(jpeg.output_width);
  image.height = static_cast<int>(jpeg.output_height);
  image.divisor = divisor;
  image.pixels.resize(size_t{jpeg.output_width} * jpeg.output_height);
  if (options.color) image.colors.resize(image.pixels.size() * 3);
  std::vector<JSAMPLE> samples(size_t{jpeg.output_width} * (color ? 3 : 1));
  float* to = image.pixels.data();
  float* colors = image.colors.data();
  while (jpeg.output_scanline < jpeg.output_height) {
    reader.run([&](jpeg_decompress_struct& decompress) {
      JSAMPROW row = samples.data();
      jpeg_read_scanlines(&decompress, &row, 1);
    });
    for (size_t i = 0; i < samples.size(); i += color ? 3 : 1) {
      if (color) {
        *to = read_color(samples.data() + i, jpeg.out_color_space, colors);
      } else {
        *to = static_cast<float>(samples[i]) / 255.0f;
        if (options.color) std::fill_n(colors, 3, *to);
      }
      ++to;
      if (options.color) colors += 3;
    }
  }
  reader.run([](jpeg_decompress_struct& decompress) { jpeg_finish_decompress(&decompress); });
  return upright(std::move(image), orientation);
}

}  // namespace doppel::internal
