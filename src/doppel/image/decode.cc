#include "doppel/image/decode.h"

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/image/formats.h"

namespace doppel {

Image decode_image(std::string_view bytes, const std::string& name) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return decode_png(bytes, name);
  if (bytes.starts_with("\xff\xd8\xff"sv)) return decode_jpeg(bytes, name);
  if (bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7') {
    return decode_pnm(bytes, name);
  }
  if (bytes.empty()) throw Error(ErrorKind::bad_data, name + ": the file is empty");
  throw Error(ErrorKind::bad_data,
              name + ": no image: a PGM, PPM, PNG or JPEG file was expected, and its first bytes " +
                  "are those of none");
}

Image load_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, kMostImageBytes), path.string());
}

}  // namespace doppel
