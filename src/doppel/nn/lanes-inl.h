// What the kernels share: a tile's 16 lanes as whole registers, bits of lanes, loops that must be
// unrolled to stay in registers. Compiled once per instruction set.
#if defined(DOPPEL_NN_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_LANES_INL_H_
#undef DOPPEL_NN_LANES_INL_H_
#else
#define DOPPEL_NN_LANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "doppel/nn/kernels.h"
#include "hwy/highway.h"

#ifndef DOPPEL_UNROLL
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DOPPEL_INSTRUMENTED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DOPPEL_INSTRUMENTED
#endif
// What is unrolled and then instrumented compiles for minutes.
#if defined(DOPPEL_INSTRUMENTED)
#define DOPPEL_UNROLL
#elif defined(__clang__)
#define DOPPEL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define DOPPEL_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// As many lanes as a register has, at most a tile's 16. A kernel runs once for every
// `lane` = 0, kStep, 2 kStep, .. below 16 and treats the images lane .. lane + kStep - 1.
using Lanes = hn::CappedTag<float, kLanes>;
using V = hn::Vec<Lanes>;
using M = hn::Mask<Lanes>;
inline constexpr size_t kStep = hn::MaxLanes(Lanes());

// Registers for the accumulators of a block: AVX-512 and NEON have 32, the others 16.
inline constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM;

// The bits of the images lane .. lane + kStep - 1.
HWY_INLINE M load_bits(Lanes d, const LaneBits* HWY_RESTRICT bits, size_t lane) {
  if constexpr (kStep >= 8) {
    return hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(bits) + lane / 8);
  } else {
    const uint8_t part = static_cast<uint8_t>(*bits >> lane);
    return hn::LoadMaskBits(d, &part);
  }
}

// Puts them back. Where a register has less than a byte of bits, the images before `lane` must have
// been stored before and those behind it come later.
HWY_INLINE void store_bits(Lanes d, M mask, size_t lane, LaneBits* HWY_RESTRICT bits) {
  if constexpr (kStep >= 8) {
    hn::StoreMaskBits(d, mask, reinterpret_cast<uint8_t*>(bits) + lane / 8);
  } else {
    uint8_t part[8] = {};
    hn::StoreMaskBits(d, mask, part);
    *bits = static_cast<LaneBits>((lane == 0 ? 0u : *bits) | unsigned{part[0]} << lane);
  }
}

// The sum over 16 lanes in one fixed order, equal on every instruction set.
HWY_INLINE float sum_of_lanes(const float* HWY_RESTRICT lanes) {
  float s[8];
  for (size_t i = 0; i < 8; ++i) s[i] = lanes[i] + lanes[i + 8];
  for (size_t i = 0; i < 4; ++i) s[i] += s[i + 4];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_LANES_INL_H_
