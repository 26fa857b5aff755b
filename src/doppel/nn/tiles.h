// From rows of images to tiles of 16 in the lanes, and back to rows of embeddings; how many tiles
// are one task.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/nn/kernels.h"

namespace doppel::internal {

// A group of tiles is one task: a dense stage runs best on four tiles at once.
inline constexpr size_t kMostTilesInGroup = 4;

inline size_t tiles_of(size_t images) { return (images + kLanes - 1) / kLanes; }

// Of so many tiles on so many threads.
inline size_t tiles_in_group(size_t tiles, int threads) {
  const auto all = static_cast<size_t>(threads);
  return std::clamp((tiles + all - 1) / all, size_t{1}, kMostTilesInGroup);
}

// Images 16 tile .. 16 tile + 15, of `size` values each, to `out`; zeros behind the last image.
inline void load_tile(std::span<const float* const> images, size_t size, size_t tile, float* out) {
  const float* rows[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t i = tile * kLanes + lane;
    rows[lane] = i < images.size() ? images[i] : nullptr;
  }
  rows_to_tile(rows, size, out);
}

// A tile's values to its rows of `matrix`, as far as it has them.
inline void store_tile(const float* values, size_t size, size_t tile, Matrix& matrix) {
  float* rows[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t i = tile * kLanes + lane;
    rows[lane] = i < matrix.rows ? matrix.row(i).data() : nullptr;
  }
  tile_to_rows(values, size, rows);
}

}  // namespace doppel::internal
