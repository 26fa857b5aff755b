// Sums over the lanes of many vectors at once, by transposing as they add: three instructions a
// vector, and the order of sum_of_lanes.
#if defined(DOPPEL_NN_LANE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_LANE_SUMS_INL_H_
#undef DOPPEL_NN_LANE_SUMS_INL_H_
#else
#define DOPPEL_NN_LANE_SUMS_INL_H_
#endif

#include <algorithm>
#include <type_traits>

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE V folded_sums(Lanes, V* v) { return v[0]; }
#else
// Each step adds the upper half of every sum to the lower and packs two vectors into one.
HWY_INLINE V fold_pair(Lanes d, std::integral_constant<size_t, 16>, V a, V b) {
  return hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
}
HWY_INLINE V fold_pair(Lanes, std::integral_constant<size_t, 8>, V a, V b) {
  return hn::Add(hn::OddEvenBlocks(b, a), hn::SwapAdjacentBlocks(hn::OddEvenBlocks(a, b)));
}
HWY_INLINE V fold_pair(Lanes d, std::integral_constant<size_t, 4>, V a, V b) {
  const hn::RebindToUnsigned<Lanes> bits;
  const hn::Repartition<uint64_t, decltype(bits)> pairs;
  const auto low = hn::BitCast(pairs, a), high = hn::BitCast(pairs, b);
  return hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, low, high)),
                 hn::BitCast(d, hn::InterleaveUpper(pairs, low, high)));
}
HWY_INLINE V fold_pair(Lanes, std::integral_constant<size_t, 2>, V a, V b) {
  return hn::Add(hn::OddEven(b, a), hn::Shuffle2301(hn::OddEven(a, b)));
}

template <size_t Length>
HWY_INLINE V folded(Lanes d, V (&v)[kStep]) {
  DOPPEL_UNROLL
  for (size_t k = 0; k < Length / 2; ++k) {
    v[k] = fold_pair(d, std::integral_constant<size_t, Length>(), v[2 * k], v[2 * k + 1]);
  }
  if constexpr (Length == 2) {
    return v[0];
  } else {
    return folded<Length / 2>(d, v);
  }
}
// Lane r becomes the sum over the lanes of v[folded_place(r)]; v is overwritten.
HWY_INLINE V folded_sums(Lanes d, V (&v)[kStep]) { return folded<kStep>(d, v); }
#endif

// The packing reverses the bits of a number.
constexpr size_t folded_place(size_t r) {
  size_t place = 0;
  for (size_t bit = 1; bit < kStep; bit *= 2) place = place * 2 + (r / bit) % 2;
  return place;
}

// The half of 16 lanes, or the quarter, in which sum_of_lanes goes on adding.
HWY_INLINE V load_folded(Lanes d, const float* HWY_RESTRICT lanes) {
  if constexpr (kStep == 16) {
    return hn::Load(d, lanes);
  } else if constexpr (kStep == 8) {
    return hn::Add(hn::Load(d, lanes), hn::Load(d, lanes + 8));
  } else if constexpr (kStep == 4) {
    return hn::Add(hn::Add(hn::Load(d, lanes), hn::Load(d, lanes + 8)),
                   hn::Add(hn::Load(d, lanes + 4), hn::Load(d, lanes + 12)));
  } else {
    return hn::Set(d, sum_of_lanes(lanes));
  }
}

// sums[r] = the sum over the lanes of rows[r], for 16 rows.
HWY_INLINE void sum_16_rows(Lanes d, const float* HWY_RESTRICT rows, float* HWY_RESTRICT sums) {
  for (size_t first = 0; first < kLanes; first += kStep) {
    V v[kStep];
    DOPPEL_UNROLL
    for (size_t r = 0; r < kStep; ++r) {
      v[folded_place(r)] = load_folded(d, rows + (first + r) * kLanes);
    }
    hn::Store(folded_sums(d, v), d, sums + first);
  }
}

// sums[p] = the sum over the places and lanes of plane p.
HWY_INLINE void sum_planes(Lanes d, const float* HWY_RESTRICT planes, size_t n, size_t places,
                           float* HWY_RESTRICT sums) {
  HWY_ALIGN float rows[kLanes][kLanes] = {};
  HWY_ALIGN float row_sums[kLanes];
  for (size_t first = 0; first < n; first += kLanes) {
    const size_t count = std::min(kLanes, n - first);
    for (size_t r = 0; r < count; ++r) {
      const float* HWY_RESTRICT plane = planes + (first + r) * places * kLanes;
      for (size_t lane = 0; lane < kLanes; lane += kStep) {
        // Four chains, as an addition takes some cycles.
        V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
        size_t p = 0;
        for (; p + 4 <= places; p += 4) {
          DOPPEL_UNROLL
          for (size_t k = 0; k < 4; ++k) {
            sum[k] = hn::Add(sum[k], hn::Load(d, plane + (p + k) * kLanes + lane));
          }
        }
        for (; p < places; ++p) sum[0] = hn::Add(sum[0], hn::Load(d, plane + p * kLanes + lane));
        hn::Store(hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])), d, rows[r] + lane);
      }
    }
    sum_16_rows(d, rows[0], row_sums);
    std::copy(row_sums, row_sums + count, sums + first);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_LANE_SUMS_INL_H_
