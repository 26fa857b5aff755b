// Any bytes into decode_image(), with and without options: an image that keeps its promises or a
// doppel::Error, nothing else.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "doppel/error.h"
#include "doppel/image/decode.h"
#include "doppel/image/size_limits.h"

namespace {

// Makes the checksum of every chunk of a PNG right, else no changed byte would get past the first.
std::string with_right_checksums(std::string_view file) {
  std::string bytes(file);
  if (!file.starts_with("\x89PNG")) return bytes;
  auto* data = reinterpret_cast<uint8_t*>(bytes.data());
  for (size_t chunk = 8; chunk + 12 <= bytes.size();) {
    const size_t size = size_t{data[chunk]} << 24 | size_t{data[chunk + 1]} << 16 |
                        size_t{data[chunk + 2]} << 8 | size_t{data[chunk + 3]};
    const size_t end = chunk + 8 + size;
    if (end + 4 > bytes.size()) break;
    const uLong sum = crc32(0, data + chunk + 4, static_cast<uInt>(size + 4));
    for (size_t i = 0; i < 4; ++i) data[end + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    chunk = end + 4;
  }
  return bytes;
}

void check_image(const doppel::internal::Image& image, bool color) {
  doppel::internal::check_size(doppel::ErrorKind::bad_argument, image.width, image.height, "fuzz");
  const size_t pixels = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  if (image.pixels.size() != pixels) std::abort();
  if (image.colors.size() != (color ? 3 * pixels : 0)) std::abort();
  for (const auto* values : {&image.pixels, &image.colors}) {
    for (const float value : *values) {
      if (!(value >= 0.0f && value <= 1.0f)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = with_right_checksums({reinterpret_cast<const char*>(data), size});
  try {
    const doppel::internal::Image image = doppel::internal::decode_image(bytes, "fuzz");
    check_image(image, false);
    const doppel::internal::Image color =
        doppel::internal::decode_image(bytes, "fuzz", {.color = true});
    check_image(color, true);
    if (color.pixels != image.pixels) std::abort();
    const doppel::internal::Image reduced =
        doppel::internal::decode_image(bytes, "fuzz", {.color = true, .shorter_side = 4});
    check_image(reduced, true);
    if (std::min(reduced.width, reduced.height) < std::min({image.width, image.height, 4})) {
      std::abort();
    }
  } catch (const doppel::Error& error) {
    if (error.kind() != doppel::ErrorKind::bad_data) std::abort();
  }
  return 0;
}
