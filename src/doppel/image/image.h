// A picture in memory: grey is what decoders give and everything behind them takes, with its
// colours beside it where they were asked for; RgbImage is what sheets are drawn in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doppel::internal {

struct ImageSize {
  int width = 0, height = 0;
};

// Grey values in [0, 1], 0 black, row by row from the top: `pixels` holds height x width. `colors`
// is empty, or holds the same pixels' R, G and B in [0, 1]: height x width x 3.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<float> pixels;
  std::vector<float> colors = {};
  int divisor = 1;  // decoded at 1/divisor of the file's width and height, rounded up

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

}  // namespace doppel::internal
