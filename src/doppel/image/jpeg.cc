// JPEG through libjpeg-turbo: the luma of baseline and progressive files, upright by their EXIF
// orientation.
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdint>
#include <utility>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/size_limits.h"

namespace doppel {
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

// The orientation (tag 0x0112, 1 to 8) in an APP1 segment's EXIF data: a TIFF header and its first
// directory (Exif 2.3, 4.5 and 4.6). 1, upright, where there is none.
int exif_orientation(std::string_view segment) {
  using namespace std::string_view_literals;
  if (!segment.starts_with("Exif\0\0"sv)) return 1;
  const std::string_view tiff = segment.substr(6);
  const bool little = tiff.starts_with("II*\0"sv);
  if (!little && !tiff.starts_with("MM\0*"sv)) return 1;
  // Zero for bytes outside: no tag, type or count that is looked for here is zero.
  const auto number = [&](uint64_t at, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size && at + size <= tiff.size(); ++i) {
      value = value << 8 | static_cast<uint8_t>(tiff[at + (little ? size - 1 - i : i)]);
    }
    return value;
  };
  const uint64_t directory = number(4, 4);
  const uint32_t entries = number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + uint64_t{12} * i;
    constexpr uint32_t kOrientation = 0x0112, kShort = 3;
    if (number(entry, 2) != kOrientation || number(entry + 2, 2) != kShort) continue;
    const uint32_t value = number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// The picture as it is meant to be seen, from rows and columns as they are stored.
Image upright(Image stored, int orientation) {
  if (orientation == 1) return stored;
  const bool turned = orientation >= 5;
  Image image;
  image.width = turned ? stored.height : stored.width;
  image.height = turned ? stored.width : stored.height;
  image.pixels.resize(stored.pixels.size());
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      int row = turned ? x : y, column = turned ? y : x;
      // Where the stored first row is seen: top 1 2, bottom 3 4, left 5 8, right 6 7; the first
      // column: left 1 4, right 2 3, top 5 6, bottom 7 8.
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        row = stored.height - 1 - row;
      }
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        column = stored.width - 1 - column;
      }
      image.at(y, x) = stored.at(row, column);
    }
  }
  return image;
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name) {
  JpegReader reader(name);
  reader.open(bytes);
  reader.run([](jpeg_decompress_struct& jpeg) {
    jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&jpeg, TRUE);
  });
  const jpeg_decompress_struct& jpeg = reader.jpeg();
  check_size(ErrorKind::bad_data, jpeg.image_width, jpeg.image_height, name);
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
    orientation = exif_orientation(
        {reinterpret_cast<const char*>(marker->data), size_t{marker->data_length}});
  }

  reader.run([](jpeg_decompress_struct& decompress) {
    decompress.out_color_space = JCS_GRAYSCALE;
    decompress.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&decompress);
  });
  Image image;
  image.width = static_cast<int>(jpeg.output_width);
  image.height = static_cast<int>(jpeg.output_height);
  image.pixels.resize(size_t{jpeg.output_width} * jpeg.output_height);
  std::vector<JSAMPLE> samples(jpeg.output_width);
  for (float* to = image.pixels.data(); jpeg.output_scanline < jpeg.output_height;) {
    reader.run([&](jpeg_decompress_struct& decompress) {
      JSAMPROW row = samples.data();
      jpeg_read_scanlines(&decompress, &row, 1);
    });
    for (const JSAMPLE sample : samples) *to++ = static_cast<float>(sample) / 255.0f;
  }
  reader.run([](jpeg_decompress_struct& decompress) { jpeg_finish_decompress(&decompress); });
  return upright(std::move(image), orientation);
}

}  // namespace doppel
