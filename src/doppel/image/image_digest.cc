#include "doppel/image/image_digest.h"

#include <cstddef>

#include "doppel/base/digest.h"

namespace doppel::internal {

std::string image_digest(const Image& image) {
  std::string bytes(image.pixels.size() * 2, '\0');
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const auto level = static_cast<int>(image.pixels[i] * 65535.0f + 0.5f);
    bytes[2 * i] = static_cast<char>(level & 255);
    bytes[2 * i + 1] = static_cast<char>(level >> 8);
  }
  Sha256 digest;
  digest.add_number(static_cast<uint64_t>(image.width));
  digest.add_number(static_cast<uint64_t>(image.height));
  digest.add(bytes);
  return digest.hex();
}

}  // namespace doppel::internal
