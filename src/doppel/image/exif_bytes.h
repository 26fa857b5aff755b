// For the decoders' tests: EXIF data as cameras write them.
#pragma once

#include <string>

namespace doppel::internal {

// A TIFF header and a directory of two entries: ImageWidth (long), then Orientation (short).
inline std::string exif_bytes(int orientation, bool little) {
  const auto number = [&](unsigned value, int size) {
    std::string bytes;
    for (int i = 0; i < size; ++i) {
      bytes += static_cast<char>(value >> 8 * (little ? i : size - 1 - i));
    }
    return bytes;
  };
  return (little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(2, 2) + number(0x0100, 2) +
         number(4, 2) + number(1, 4) + number(24, 4) + number(0x0112, 2) + number(3, 2) +
         number(1, 4) + number(static_cast<unsigned>(orientation), 2) + number(0, 2) + number(0, 4);
}

}  // namespace doppel::internal
