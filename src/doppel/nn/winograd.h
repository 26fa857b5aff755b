// How 3x3 convolutions are cut for Winograd's minimal filtering: what the code for each instruction
// set (winograd-inl.h) and the code around it (conv3x3.cc) agree upon.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "doppel/nn/conv3x3.h"

namespace doppel::internal {

inline constexpr size_t kWinogradFilters = 4;  // whose weights lie side by side
inline constexpr size_t kWinogradBlocks = 6;   // blocks of the output that are multiplied at a time
inline constexpr size_t kWinogradGroup = 16;   // filters between going to the points and back

// The finite points of blocks of 4: 0, a, -a, b, -b.
inline constexpr double kWinogradA = 0.70710678118654752440, kWinogradB = 2 * kWinogradA;

// G of one axis for blocks of 4 or 2, [points][3]: (1, p, p^2) / N, N = the product of the
// differences p - q to the other finite points; and (0, 0, 1).
using WeightPoints = float[6][3];
inline void weight_points(size_t block, WeightPoints& g) {
  if (block == 2) {
    // The sign of the first point is turned here and in Points<2>.
    const float rows[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
    std::memcpy(g, rows, sizeof(rows));
    return;
  }
  const double points[5] = {0, kWinogradA, -kWinogradA, kWinogradB, -kWinogradB};
  for (size_t p = 0; p < 5; ++p) {
    double distance = 1;
    for (size_t q = 0; q < 5; ++q) distance *= p == q ? 1 : points[p] - points[q];
    g[p][0] = static_cast<float>(1 / distance);
    g[p][1] = static_cast<float>(points[p] / distance);
    g[p][2] = static_cast<float>(points[p] * points[p] / distance);
  }
  g[5][0] = g[5][1] = 0;
  g[5][2] = 1;
}

// Outputs of a block along an axis of `extent`: 4 or 2, whatever takes fewer products; where that
// is equal, the one with fewer points.
constexpr size_t winograd_block(size_t extent) {
  return (extent + 3) / 4 * 6 < (extent + 1) / 2 * 4 ? 4 : 2;
}
inline size_t winograd_points(const Conv3x3& s) {
  return (winograd_block(s.height()) + 2) * (winograd_block(s.width()) + 2);
}
// Vectors from one point's matrix to the next one's: odd, or all would fall into one cache set.
constexpr size_t odd_vectors(size_t n) { return n | 1; }
// Floats from the weights of one point to the next one's.
inline size_t winograd_weight_stride(const Conv3x3& s) {
  const size_t filters = (s.filters + kWinogradFilters - 1) / kWinogradFilters * kWinogradFilters;
  return filters * s.in_channels + 16;
}

}  // namespace doppel::internal
