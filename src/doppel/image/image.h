// A picture in memory: grey is what decoders give and everything behind them takes; colour is what
// sheets are drawn in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doppel {

// Grey values in [0, 1], 0 black, row by row from the top: `pixels` holds height x width.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<float> pixels;

  float& at(int row, int column) {
    return pixels[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(column)];
  }
  float at(int row, int column) const {
    return pixels[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(column)];
  }
};

struct Rgb {
  uint8_t r = 0, g = 0, b = 0;

  friend bool operator==(const Rgb&, const Rgb&) = default;
};

// Row by row from the top: `pixels` holds height x width.
struct RgbImage {
  int width = 0;
  int height = 0;
  std::vector<Rgb> pixels;

  Rgb& at(int row, int column) {
    return pixels[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(column)];
  }
  Rgb at(int row, int column) const {
    return pixels[static_cast<size_t>(row) * static_cast<size_t>(width) +
                  static_cast<size_t>(column)];
  }
};

}  // namespace doppel
