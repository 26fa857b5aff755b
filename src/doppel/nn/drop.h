// A dropout layer as the stages that fuse it need it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "doppel/nn/kernels.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

// Its place in the description keys its masks, so that fusing changes no bit.
struct Drop {
  uint16_t layer;
  uint32_t threshold;

  Drop(size_t layer, double rate)
      : layer(static_cast<uint16_t>(layer)),
        threshold(std::min(65535u, static_cast<uint32_t>(std::lround(rate * 65536)))) {}
  float scale() const { return 65536.0f / static_cast<float>(65536 - threshold); }
  void draw(const DropoutSeed& seed, size_t slot, size_t n, LaneBits* kept) const {
    draw_kept({seed.seed, seed.step, layer, static_cast<uint32_t>(slot), threshold}, n, kept);
  }
};

// What a mask of n values takes, in floats.
inline size_t mask_floats(size_t n) { return (n * sizeof(LaneBits) + 63) / 64 * 16; }

}  // namespace doppel::internal
