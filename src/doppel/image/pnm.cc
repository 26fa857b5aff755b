// PGM and PPM as the netpbm manual pages pgm(5) and ppm(5) define them: P2 and P3 in ASCII, P5 and
// P6 in binary.
#include <cstdint>

#include "doppel/error.h"
#include "doppel/image/formats.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

// The file from the first byte that is not yet understood.
class PnmReader {
 public:
  PnmReader(std::string_view left, const std::string& name) : left_(left), name_(name) {}

  size_t left() const { return left_.size(); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": PGM/PPM: " + what);
  }

  // The next decimal number, behind any white space and comments. A number must be followed by
  // white space or a comment, as netpbm demands: else a file cut within its last number would pass.
  uint32_t number(const char* field) {
    skip_space();
    if (left_.empty()) fail(std::string("the file ends before its ") + field);
    if (!is_digit()) fail(std::string(field) + ": a decimal number was expected");
    uint32_t value = 0;
    for (; is_digit(); left_.remove_prefix(1)) {
      const uint32_t digit = static_cast<uint32_t>(left_[0] - '0');
      value = value > (UINT32_MAX - digit) / 10 ? UINT32_MAX : value * 10 + digit;
    }
    if (left_.empty()) fail(std::string("the file ends within or right after a ") + field);
    if (!is_space(left_[0]) && left_[0] != '#') {
      fail(std::string(field) + ": a decimal number was expected");
    }
    return value;
  }

  void skip_space() {
    while (!left_.empty()) {
      if (left_[0] == '#') {
        skip_comment();
      } else if (is_space(left_[0])) {
        left_.remove_prefix(1);
      } else {
        return;
      }
    }
  }

  // Moves from behind maxval to the `size` bytes of a binary raster and returns them. One white
  // space (or a comment) ends the header, and a raster may well start with the bytes of a line
  // feed or of '#'; only where there are more bytes than the raster needs can they be a Windows
  // line end or a late comment.
  std::string_view raster(size_t size) {
    const char end = left_[0];
    if (end == '#') {
      skip_comment();
    } else {
      left_.remove_prefix(1);
    }
    if (end == '\r' && left_.size() > size && left_[0] == '\n') left_.remove_prefix(1);
    while (left_.size() > size && left_[0] == '#') skip_comment();
    if (left_.size() < size) {
      fail("the file ends early: its header promises " + std::to_string(size) +
           " bytes of pixels, there are " + std::to_string(left_.size()));
    }
    const std::string_view raster = left_.substr(0, size);
    left_.remove_prefix(size);
    for (const char c : left_) {
      if (!is_space(c)) {
        fail("the header does not match the data: " + std::to_string(size) +
             " bytes of pixels were expected, there are " + std::to_string(size + left_.size()));
      }
    }
    return raster;
  }

 private:
  bool is_digit() const { return !left_.empty() && left_[0] >= '0' && left_[0] <= '9'; }

  void skip_comment() {
    const size_t end = left_.find_first_of("\r\n");
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
  }

  std::string_view left_;
  const std::string& name_;
};

}  // namespace

Image decode_pnm(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  PnmReader reader(bytes.substr(2), name);
  const char kind = bytes[1];
  if (kind != '2' && kind != '3' && kind != '5' && kind != '6') {
    reader.fail(std::string("P2, P3, P5 or P6 was expected, not P") + kind);
  }
  if (bytes.size() > 2 && !is_space(bytes[2]) && bytes[2] != '#') {
    reader.fail("white space was expected after the first two bytes");
  }
  const bool binary = kind >= '5';
  const size_t channels = kind == '3' || kind == '6' ? 3 : 1;
  const uint32_t width = reader.number("width");
  const uint32_t height = reader.number("height");
  check_size(ErrorKind::bad_data, width, height, name, options.most_pixels);
  const uint32_t most = reader.number("maxval");
  if (most < 1 || most > 65535) {
    reader.fail("maxval: 1 to 65535 was expected, not " + std::to_string(most));
  }

  const size_t samples = size_t{width} * height * channels;
  const size_t sample_bytes = most > 255 ? 2 : 1;
  std::string_view raster;
  if (binary) {
    raster = reader.raster(samples * sample_bytes);
  } else if (reader.left() < samples * 2) {  // a digit and a space each
    reader.fail("the file ends early: its header promises " + std::to_string(samples) +
                " numbers, there are " + std::to_string(reader.left()) + " bytes");
  }

  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(raster[i])}; };
  size_t done = 0;
  const auto next_sample = [&] {
    uint32_t value;
    if (!binary) {
      value = reader.number("sample");
    } else if (sample_bytes == 1) {
      value = byte(done);
    } else {
      value = byte(2 * done) << 8 | byte(2 * done + 1);
    }
    ++done;
    if (value > most) {
      reader.fail("sample " + std::to_string(done) + " is " + std::to_string(value) +
                  ", above the maxval " + std::to_string(most));
    }
    return value;
  };

  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.pixels.resize(size_t{width} * height);
  if (options.color) image.colors.resize(image.pixels.size() * 3);
  const auto in_unit = [&](uint32_t v) { return static_cast<float>(v) / static_cast<float>(most); };
  float* color = image.colors.data();
  for (float& pixel : image.pixels) {
    uint32_t rgb[3];
    rgb[0] = next_sample();
    for (size_t c = 1; c < 3; ++c) rgb[c] = channels == 1 ? rgb[0] : next_sample();
    pixel = channels == 1 ? in_unit(rgb[0]) : luma(rgb[0], rgb[1], rgb[2], most);
    if (!options.color) continue;
    for (const uint32_t value : rgb) *color++ = in_unit(value);
  }
  if (!binary) {
    reader.skip_space();
    if (reader.left() > 0) {
      reader.fail("the header does not match the data: more than " + std::to_string(samples) +
                  " numbers");
    }
  }
  return image;
}

}  // namespace doppel::internal
