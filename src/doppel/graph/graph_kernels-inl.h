// The kernels of graph_kernels.h. Compiled once per instruction set.
#if defined(DOPPEL_GRAPH_GRAPH_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_GRAPH_GRAPH_KERNELS_INL_H_
#undef DOPPEL_GRAPH_GRAPH_KERNELS_INL_H_
#else
#define DOPPEL_GRAPH_GRAPH_KERNELS_INL_H_
#endif

#include "doppel/graph/graph_kernels.h"
#include "doppel/nn/lanes-inl.h"
#include "doppel/nn/winograd_points-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

static_assert(kBlock == kLanes);
// Vectors in a block of 16 channels.
inline constexpr size_t kBlockVectors = kBlock / kStep;

// `Rows` rows of `Blocks` blocks of outputs, from `block` on.
template <size_t Rows, size_t Blocks>
HWY_INLINE void rows_of_blocks(Lanes d, const RowProduct& p, size_t block, const float* const* x,
                               const float* const* skip, float* const* y) {
  constexpr size_t kVectors = Blocks * kBlockVectors;
  V sum[Rows][kVectors];
  DOPPEL_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    const V start =
        p.bias == nullptr ? hn::Zero(d) : hn::Load(d, p.bias + block * kBlock + v * kStep);
    DOPPEL_UNROLL
    for (size_t r = 0; r < Rows; ++r) sum[r][v] = start;
  }
  const size_t block_floats = p.taps * p.depth * kBlock;
  const float* HWY_RESTRICT weight = p.weight + block * block_floats;
  for (size_t t = 0; t < p.taps; ++t) {
    const float* HWY_RESTRICT row[Rows];
    DOPPEL_UNROLL
    for (size_t r = 0; r < Rows; ++r) row[r] = x[r] + p.tap_offsets[t];
    for (size_t i = 0; i < p.depth; ++i, weight += kBlock) {
      V w[kVectors];
      DOPPEL_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        w[v] = hn::Load(d, weight + v / kBlockVectors * block_floats + v % kBlockVectors * kStep);
      }
      DOPPEL_UNROLL
      for (size_t r = 0; r < Rows; ++r) {
        const V value = hn::Set(d, row[r][i]);
        DOPPEL_UNROLL
        for (size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(value, w[v], sum[r][v]);
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t r = 0; r < Rows; ++r) {
    DOPPEL_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t at = block * kBlock + v * kStep;
      V result = sum[r][v];
      if (skip != nullptr) result = hn::Add(result, hn::Load(d, skip[r] + at));
      if (p.relu) result = hn::Max(result, hn::Zero(d));
      hn::Store(result, d, y[r] + at);
    }
  }
}

template <size_t Rows, size_t Blocks>
HWY_INLINE void blocks_of_outputs(Lanes d, const RowProduct& p, size_t block, const float* const* x,
                                  const float* const* skip, float* const* y, size_t rows) {
  const auto at = [skip](size_t r) { return skip == nullptr ? nullptr : skip + r; };
  size_t r = 0;
  for (; r + Rows <= rows; r += Rows)
    rows_of_blocks<Rows, Blocks>(d, p, block, x + r, at(r), y + r);
  for (; r + 2 <= rows; r += 2) rows_of_blocks<2, Blocks>(d, p, block, x + r, at(r), y + r);
  for (; r < rows; ++r) rows_of_blocks<1, Blocks>(d, p, block, x + r, at(r), y + r);
}

void MultiplyRows(const RowProduct& p, const float* const* x, const float* const* skip,
                  float* const* y, size_t rows) {
  const Lanes d;
  size_t block = 0;
  // As many sums as stay in registers, rows before blocks where there are few blocks.
  if constexpr (kManyRegisters && kBlockVectors == 1) {
    for (; block + 4 <= p.blocks; block += 4) {
      blocks_of_outputs<6, 4>(d, p, block, x, skip, y, rows);
    }
    for (; block + 2 <= p.blocks; block += 2) {
      blocks_of_outputs<8, 2>(d, p, block, x, skip, y, rows);
    }
  }
  for (; block < p.blocks; ++block) blocks_of_outputs<6, 1>(d, p, block, x, skip, y, rows);
}

void TileToPoints(const float* x, size_t pixel, size_t row, size_t channels, float* points,
                  size_t stride) {
  const Lanes d;
  for (size_t c = 0; c < channels; c += kStep) {
    V half[6][6];
    DOPPEL_UNROLL
    for (size_t q = 0; q < 6; ++q) {
      V column[6], at[6];
      DOPPEL_UNROLL
      for (size_t r = 0; r < 6; ++r) column[r] = hn::Load(d, x + r * row + q * pixel + c);
      Points<4>::input(d, column, at);
      DOPPEL_UNROLL
      for (size_t r = 0; r < 6; ++r) half[r][q] = at[r];
    }
    DOPPEL_UNROLL
    for (size_t r = 0; r < 6; ++r) {
      V at[6];
      Points<4>::input(d, half[r], at);
      DOPPEL_UNROLL
      for (size_t q = 0; q < 6; ++q) hn::Store(at[q], d, points + (r * 6 + q) * stride + c);
    }
  }
}

void PointsToTile(const float* points, size_t stride, const TileOutput& o, const float* skip,
                  float* y) {
  const Lanes d;
  for (size_t c = 0; c < o.channels; c += kStep) {
    V half[4][6];
    DOPPEL_UNROLL
    for (size_t q = 0; q < 6; ++q) {
      V column[6], at[4];
      DOPPEL_UNROLL
      for (size_t r = 0; r < 6; ++r) column[r] = hn::Load(d, points + (r * 6 + q) * stride + c);
      Points<4>::output(d, column, at);
      DOPPEL_UNROLL
      for (size_t r = 0; r < 4; ++r) half[r][q] = at[r];
    }
    const V bias = hn::Load(d, o.bias + c);
    for (size_t r = 0; r < o.height; ++r) {
      V at[4];
      Points<4>::output(d, half[r], at);
      for (size_t q = 0; q < o.width; ++q) {
        V result = hn::Add(at[q], bias);
        if (skip != nullptr) {
          result = hn::Add(result, hn::Load(d, skip + r * o.skip_row + q * o.skip_pixel + c));
        }
        if (o.relu) result = hn::Max(result, hn::Zero(d));
        hn::Store(result, d, y + r * o.row + q * o.pixel + c);
      }
    }
  }
}

template <bool kMean>
HWY_INLINE void over_window(const PoolWindow& window, const float* x, float* y) {
  const Lanes d;
  const V share = hn::Set(d, 1.0f / static_cast<float>(window.rows * window.columns));
  for (size_t c = 0; c < window.channels; c += kStep) {
    V result = hn::Load(d, x + c);
    for (size_t i = 0; i < window.rows; ++i) {
      for (size_t j = i == 0 ? 1 : 0; j < window.columns; ++j) {
        const V value = hn::Load(d, x + i * window.row + j * window.pixel + c);
        result = kMean ? hn::Add(result, value) : hn::Max(result, value);
      }
    }
    hn::Store(kMean ? hn::Mul(result, share) : result, d, y + c);
  }
}

void WindowMax(const PoolWindow& window, const float* x, float* y) {
  over_window<false>(window, x, y);
}
void WindowMean(const PoolWindow& window, const float* x, float* y) {
  over_window<true>(window, x, y);
}

void SumValues(const float* a, const float* b, size_t n, bool relu, float* y) {
  const Lanes d;
  for (size_t i = 0; i < n; i += kStep) {
    V sum = a == nullptr ? hn::Zero(d) : hn::Load(d, a + i);
    if (b != nullptr) sum = hn::Add(sum, hn::Load(d, b + i));
    hn::Store(relu ? hn::Max(sum, hn::Zero(d)) : sum, d, y + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_GRAPH_GRAPH_KERNELS_INL_H_
