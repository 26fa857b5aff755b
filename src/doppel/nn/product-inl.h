// The matrix product behind dense layers: broadcast one value of A, multiply-add vectors of B.
#if defined(DOPPEL_NN_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_PRODUCT_INL_H_
#undef DOPPEL_NN_PRODUCT_INL_H_
#else
#define DOPPEL_NN_PRODUCT_INL_H_
#endif

#include <algorithm>

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

inline constexpr size_t kProductRows = 6;
inline constexpr size_t kProductVectors = kManyRegisters ? 4 : 2;
// Terms that are summed before the next block of C: their part of B stays in the first cache.
inline constexpr size_t kProductTerms = 128;

// A part of the sum: `outer` x `inner` terms from a and b on, added to what is in c or, where
// `first`, to the start values.
template <size_t Rows, size_t Vectors>
HWY_INLINE void product_block(Lanes d, const Product& p, size_t outer, size_t inner,
                              const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, bool first,
                              const float* HWY_RESTRICT start, float* HWY_RESTRICT c) {
  V sum[Rows][Vectors];
  DOPPEL_UNROLL
  for (size_t r = 0; r < Rows; ++r) {
    const V begin = start == nullptr ? hn::Zero(d) : hn::Set(d, start[r]);
    DOPPEL_UNROLL
    for (size_t v = 0; v < Vectors; ++v) {
      sum[r][v] = first ? begin : hn::Load(d, c + r * p.c_row + v * p.c_vector);
    }
  }
  for (size_t o = 0; o < outer; ++o) {
    const float* HWY_RESTRICT ak = a + o * p.a_outer;
    const float* HWY_RESTRICT bk = b + o * p.b_outer;
    for (size_t k = 0; k < inner; ++k, ak += p.a_inner, bk += p.b_inner) {
      V vectors[Vectors];
      DOPPEL_UNROLL
      for (size_t v = 0; v < Vectors; ++v) vectors[v] = hn::Load(d, bk + v * p.b_vector);
      DOPPEL_UNROLL
      for (size_t r = 0; r < Rows; ++r) {
        const V value = hn::Set(d, ak[r * p.a_row]);
        DOPPEL_UNROLL
        for (size_t v = 0; v < Vectors; ++v) {
          sum[r][v] = hn::MulAdd(value, vectors[v], sum[r][v]);
        }
      }
    }
  }
  DOPPEL_UNROLL
  for (size_t r = 0; r < Rows; ++r) {
    DOPPEL_UNROLL
    for (size_t v = 0; v < Vectors; ++v) {
      hn::Store(sum[r][v], d, c + r * p.c_row + v * p.c_vector);
    }
  }
}

template <size_t Vectors>
HWY_INLINE void product_columns(Lanes d, const Product& p, size_t outer, size_t inner,
                                const float* a, const float* b, bool first, const float* start,
                                float* c) {
  const auto at = [start](size_t r) { return start == nullptr ? nullptr : start + r; };
  size_t r = 0;
  for (; r + kProductRows <= p.rows; r += kProductRows) {
    product_block<kProductRows, Vectors>(d, p, outer, inner, a + r * p.a_row, b, first, at(r),
                                         c + r * p.c_row);
  }
  for (; r + 2 <= p.rows; r += 2) {
    product_block<2, Vectors>(d, p, outer, inner, a + r * p.a_row, b, first, at(r),
                              c + r * p.c_row);
  }
  for (; r < p.rows; ++r) {
    product_block<1, Vectors>(d, p, outer, inner, a + r * p.a_row, b, first, at(r),
                              c + r * p.c_row);
  }
}

void Multiply(const Product& p, const float* a, const float* b, const float* start, float* c) {
  const Lanes d;
  const size_t inner_step = std::min(p.inner, kProductTerms);
  const size_t outer_step =
      inner_step < p.inner ? 1 : std::max<size_t>(1, kProductTerms / std::max<size_t>(1, p.inner));
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    for (size_t o = 0; o < p.outer; o += outer_step) {
      const size_t outer = std::min(outer_step, p.outer - o);
      for (size_t k = 0; k < p.inner; k += inner_step) {
        const size_t inner = std::min(inner_step, p.inner - k);
        const float* ak = a + o * p.a_outer + k * p.a_inner;
        const float* bk = b + o * p.b_outer + k * p.b_inner + lane;
        const bool first = o == 0 && k == 0;
        size_t v = 0;
        for (; v + kProductVectors <= p.vectors; v += kProductVectors) {
          product_columns<kProductVectors>(d, p, outer, inner, ak, bk + v * p.b_vector, first,
                                           start, c + v * p.c_vector + lane);
        }
        for (; v < p.vectors; ++v) {
          product_columns<1>(d, p, outer, inner, ak, bk + v * p.b_vector, first, start,
                             c + v * p.c_vector + lane);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_PRODUCT_INL_H_
