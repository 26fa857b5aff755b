// What is done value by value: ReLU, dropout and its random draw, max-pool of any size, sums over
// lanes.
#if defined(DOPPEL_NN_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_ACTIVATION_INL_H_
#undef DOPPEL_NN_ACTIVATION_INL_H_
#else
#define DOPPEL_NN_ACTIVATION_INL_H_
#endif

#include "doppel/base/random.h"
#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

using Words = hn::RebindToUnsigned<Lanes>;
using VW = hn::Vec<Words>;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void philox_lanes(Words d, uint64_t key, VW (&c)[4]) {
  const std::array<uint32_t, 4> words =
      philox(key, {hn::GetLane(c[0]), hn::GetLane(c[1]), hn::GetLane(c[2]), hn::GetLane(c[3])});
  for (size_t i = 0; i < 4; ++i) c[i] = hn::Set(d, words[i]);
}
#else
// The 64-bit products of 32-bit lanes with a constant, as their high and low words.
HWY_INLINE void multiply_wide(Words d, VW a, VW factor, VW& high, VW& low) {
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(a, factor);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), factor);
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
}

// base/random.h's philox() in every lane.
HWY_INLINE void philox_lanes(Words d, uint64_t key, VW (&c)[4]) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  const VW m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u);
  for (int round = 0; round < 10; ++round) {
    VW high0, low0, high1, low1;
    multiply_wide(d, c[0], m0, high0, low0);
    multiply_wide(d, c[2], m1, high1, low1);
    c[0] = hn::Xor(hn::Xor(high1, c[1]), hn::Set(d, k0));
    c[1] = low1;
    c[2] = hn::Xor(hn::Xor(high0, c[3]), hn::Set(d, k1));
    c[3] = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}
#endif

void DrawKept(const DropoutDraw& draw, size_t n, LaneBits* HWY_RESTRICT kept) {
  const Lanes d;
  const Words words;
  const hn::RebindToSigned<Lanes> numbers;
  const auto threshold = hn::Set(numbers, static_cast<int32_t>(draw.threshold));
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    const VW slot = hn::Iota(words, draw.slot + static_cast<uint32_t>(lane));
    for (size_t i = 0; i < n; i += 8) {
      VW c[4] = {hn::Set(words, static_cast<uint32_t>(i / 8)), slot, hn::Set(words, draw.step),
                 hn::Set(words, purpose_word(Purpose::dropout, draw.layer))};
      philox_lanes(words, draw.seed, c);
      for (size_t q = 0; q < 8 && i + q < n; ++q) {
        const VW half =
            q % 2 == 0 ? hn::And(c[q / 2], hn::Set(words, 0xFFFFu)) : hn::ShiftRight<16>(c[q / 2]);
        const auto keep = hn::Not(hn::Lt(hn::BitCast(numbers, half), threshold));
        store_bits(d, hn::RebindMask(d, keep), lane, kept + i + q);
      }
    }
  }
}

void Activate(const float* x, size_t n, bool relu, const LaneBits* kept, float scale, float* y) {
  const Lanes d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  for (size_t i = 0; i < n; ++i) {
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V v = hn::Load(d, x + i * kLanes + lane);
      if (relu) v = hn::IfThenZeroElse(hn::Le(v, zero), v);
      if (kept != nullptr) {
        v = hn::IfThenElseZero(load_bits(d, kept + i, lane), hn::Mul(v, factor));
      }
      hn::Store(v, d, y + i * kLanes + lane);
    }
  }
}

void ActivateGradient(const float* y, const float* y_gradient, size_t n, bool relu,
                      const LaneBits* kept, float scale, float* x_gradient) {
  const Lanes d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  for (size_t i = 0; i < n; ++i) {
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      const size_t at = i * kLanes + lane;
      V g = hn::Mul(hn::Load(d, y_gradient + at), factor);
      if (relu) g = hn::IfThenZeroElse(hn::Le(hn::Load(d, y + at), zero), g);
      if (kept != nullptr) g = hn::IfThenElseZero(load_bits(d, kept + i, lane), g);
      hn::Store(g, d, x_gradient + at);
    }
  }
}

void Clamp(const float* x, size_t n, float most, float* y) {
  const Lanes d;
  const V zero = hn::Zero(d), limit = hn::Set(d, most);
  for (size_t i = 0; i < n * kLanes; i += kStep) {
    hn::Store(hn::Min(hn::Max(hn::Load(d, x + i), zero), limit), d, y + i);
  }
}

void ClampGradient(const float* y, const float* y_gradient, size_t n, float most,
                   float* x_gradient) {
  const Lanes d;
  const V zero = hn::Zero(d), limit = hn::Set(d, most);
  for (size_t i = 0; i < n * kLanes; i += kStep) {
    const V value = hn::Load(d, y + i);
    const auto between = hn::And(hn::Gt(value, zero), hn::Lt(value, limit));
    hn::Store(hn::IfThenElseZero(between, hn::Load(d, y_gradient + i)), d, x_gradient + i);
  }
}

void MaxPoolForward(const float* HWY_RESTRICT x, size_t channels, size_t height, size_t width,
                    size_t size, float* HWY_RESTRICT y) {
  const Lanes d;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < height / size; ++i) {
      for (size_t j = 0; j < width / size; ++j, y += kLanes) {
        for (size_t lane = 0; lane < kLanes; lane += kStep) {
          const float* in = x + ((c * height + i * size) * width + j * size) * kLanes + lane;
          V largest = hn::Load(d, in);
          for (size_t r = 0; r < size; ++r) {
            for (size_t q = 0; q < size; ++q) {
              largest = hn::Max(largest, hn::Load(d, in + (r * width + q) * kLanes));
            }
          }
          hn::Store(largest, d, y + lane);
        }
      }
    }
  }
}

void MaxPoolGradient(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y,
                     const float* HWY_RESTRICT y_gradient, size_t channels, size_t height,
                     size_t width, size_t size, float* HWY_RESTRICT x_gradient) {
  const Lanes d;
  for (size_t i = 0; i < channels * height * width * kLanes; ++i) x_gradient[i] = 0;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < height / size; ++i) {
      for (size_t j = 0; j < width / size; ++j, y += kLanes, y_gradient += kLanes) {
        for (size_t lane = 0; lane < kLanes; lane += kStep) {
          const size_t corner = ((c * height + i * size) * width + j * size) * kLanes + lane;
          const V largest = hn::Load(d, y + lane);
          V left = hn::Load(d, y_gradient + lane);  // what no value has taken yet
          for (size_t r = 0; r < size; ++r) {
            for (size_t q = 0; q < size; ++q) {
              const size_t at = corner + (r * width + q) * kLanes;
              const M takes = hn::Eq(hn::Load(d, x + at), largest);
              hn::Store(hn::IfThenElseZero(takes, left), d, x_gradient + at);
              left = hn::IfThenZeroElse(takes, left);
            }
          }
        }
      }
    }
  }
}

void SumLanes(const float* values, size_t n, size_t tiles, size_t tile_stride, float* sums) {
  const Lanes d;
  HWY_ALIGN float total[kLanes];
  for (size_t i = 0; i < n; ++i) {
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V sum = hn::Zero(d);
      for (size_t t = 0; t < tiles; ++t) {
        sum = hn::Add(sum, hn::Load(d, values + t * tile_stride + i * kLanes + lane));
      }
      hn::Store(sum, d, total + lane);
    }
    sums[i] = sum_of_lanes(total);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_ACTIVATION_INL_H_
