#include "doppel/image/decode.h"

#include <algorithm>

#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/image/formats.h"

namespace doppel::internal {

Image decode_image(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  using namespace std::string_view_literals;
  if (options.shorter_side < 0) {
    throw Error(ErrorKind::bad_argument, "shorter side to decode at: 0 or more was expected, not " +
                                             std::to_string(options.shorter_side));
  }
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return decode_png(bytes, name, options);
  if (bytes.starts_with("\xff\xd8\xff"sv)) return decode_jpeg(bytes, name, options);
  if (bytes.size() >= 12 && bytes.starts_with("RIFF"sv) && bytes.substr(8, 4) == "WEBP"sv) {
    return decode_webp(bytes, name, options);
  }
  if (bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7') {
    return decode_pnm(bytes, name, options);
  }
  if (bytes.empty()) throw Error(ErrorKind::bad_data, name + ": the file is empty");
  throw Error(ErrorKind::bad_data,
              name + ": no image: a PGM, PPM, PNG, JPEG or WebP file was expected, and it does " +
                  "not begin like one");
}

Image load_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_file(path, kMostImageBytes), path.string(), options);
}

int decode_divisor(int64_t width, int64_t height, int shorter_side) {
  int divisor = 1;
  if (shorter_side <= 0) return divisor;
  while (divisor < 8 && std::min(width, height) >= int64_t{2} * divisor * shorter_side)
    divisor *= 2;
  return divisor;
}

}  // namespace doppel::internal
