// A grey picture in memory: what decoders give and everything behind them takes.
#pragma once

#include <cstddef>
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

}  // namespace doppel
