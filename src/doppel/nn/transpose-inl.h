// Between images in rows and tiles, where the 16 images are innermost: 4x4 values at a time.
#if defined(DOPPEL_NN_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_TRANSPOSE_INL_H_
#undef DOPPEL_NN_TRANSPOSE_INL_H_
#else
#define DOPPEL_NN_TRANSPOSE_INL_H_
#endif

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void RowsToTile(const float* const* rows, size_t n, float* HWY_RESTRICT tile) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < n; ++i) {
      tile[i * kLanes + lane] = rows[lane] == nullptr ? 0.0f : rows[lane][i];
    }
  }
}

void TileToRows(const float* HWY_RESTRICT tile, size_t n, float* const* rows) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < n && rows[lane] != nullptr; ++i) {
      rows[lane][i] = tile[i * kLanes + lane];
    }
  }
}

#else

using Four = hn::CappedTag<float, 4>;
using VFour = hn::Vec<Four>;

HWY_INLINE void transpose_4x4(Four d, VFour (&v)[4]) {
  // Neighbouring rows interleaved: a0 b0 a1 b1 | a2 b2 a3 b3, then halves joined.
  const VFour ab_low = hn::InterleaveLower(d, v[0], v[1]),
              ab_high = hn::InterleaveUpper(d, v[0], v[1]);
  const VFour cd_low = hn::InterleaveLower(d, v[2], v[3]),
              cd_high = hn::InterleaveUpper(d, v[2], v[3]);
  v[0] = hn::ConcatLowerLower(d, cd_low, ab_low);
  v[1] = hn::ConcatUpperUpper(d, cd_low, ab_low);
  v[2] = hn::ConcatLowerLower(d, cd_high, ab_high);
  v[3] = hn::ConcatUpperUpper(d, cd_high, ab_high);
}

// Four values of all 16 rows at a time: the tile is written, or read, a whole cache line after the
// other, where going through it once for every four rows would touch each line four times.
void RowsToTile(const float* const* rows, size_t n, float* HWY_RESTRICT tile) {
  const Four d;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    DOPPEL_UNROLL
    for (size_t group = 0; group < kLanes; group += 4) {
      VFour v[4];
      DOPPEL_UNROLL
      for (size_t r = 0; r < 4; ++r) {
        const float* row = rows[group + r];
        v[r] = row == nullptr ? hn::Zero(d) : hn::LoadU(d, row + i);
      }
      transpose_4x4(d, v);
      DOPPEL_UNROLL
      for (size_t q = 0; q < 4; ++q) hn::Store(v[q], d, tile + (i + q) * kLanes + group);
    }
  }
  for (; i < n; ++i) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      tile[i * kLanes + lane] = rows[lane] == nullptr ? 0.0f : rows[lane][i];
    }
  }
}

void TileToRows(const float* HWY_RESTRICT tile, size_t n, float* const* rows) {
  const Four d;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    DOPPEL_UNROLL
    for (size_t group = 0; group < kLanes; group += 4) {
      VFour v[4];
      DOPPEL_UNROLL
      for (size_t q = 0; q < 4; ++q) v[q] = hn::Load(d, tile + (i + q) * kLanes + group);
      transpose_4x4(d, v);
      DOPPEL_UNROLL
      for (size_t r = 0; r < 4; ++r) {
        if (rows[group + r] != nullptr) hn::StoreU(v[r], d, rows[group + r] + i);
      }
    }
  }
  for (; i < n; ++i) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (rows[lane] != nullptr) rows[lane][i] = tile[i * kLanes + lane];
    }
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_TRANSPOSE_INL_H_
