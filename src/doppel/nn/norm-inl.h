// Batch normalisation with what stands behind it (shortcut, ReLU, max-pool 2) in one pass, the
// means of whole planes, and vectors of length one.
#if defined(DOPPEL_NN_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_NORM_INL_H_
#undef DOPPEL_NN_NORM_INL_H_
#else
#define DOPPEL_NN_NORM_INL_H_
#endif

#include "doppel/nn/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

// The first `count` of 16 lanes.
HWY_INLINE M first_lanes(Lanes d, size_t count, size_t lane) {
  return hn::FirstN(d, count > lane ? count - lane : 0);
}

// Sums of several registers break the chain of additions.
inline constexpr size_t kNormChains = 4;

void NormMeasure(const float* HWY_RESTRICT x, size_t channels, size_t plane, size_t images,
                 float* HWY_RESTRICT sums) {
  const Lanes d;
  HWY_ALIGN float total[kLanes];
  const float count = static_cast<float>(images * plane);
  for (size_t c = 0; c < channels; ++c) {
    const float* HWY_RESTRICT in = x + c * plane * kLanes;
    const auto sum_over = [&](auto&& value) HWY_ATTR {
      for (size_t lane = 0; lane < kLanes; lane += kStep) {
        V part[kNormChains];
        for (V& p : part) p = hn::Zero(d);
        size_t i = 0;
        for (; i + kNormChains <= plane; i += kNormChains) {
          DOPPEL_UNROLL
          for (size_t q = 0; q < kNormChains; ++q) {
            part[q] = value(hn::Load(d, in + (i + q) * kLanes + lane), part[q]);
          }
        }
        for (; i < plane; ++i) part[0] = value(hn::Load(d, in + i * kLanes + lane), part[0]);
        const V all = hn::Add(hn::Add(part[0], part[1]), hn::Add(part[2], part[3]));
        hn::Store(hn::IfThenElseZero(first_lanes(d, images, lane), all), d, total + lane);
      }
      return sum_of_lanes(total);
    };
    const float mean = sum_over([](V v, V sum) HWY_ATTR { return hn::Add(sum, v); }) / count;
    const V middle = hn::Set(d, mean);
    sums[2 * c] = mean;
    sums[2 * c + 1] = sum_over([middle](V v, V sum) HWY_ATTR {
      const V centred = hn::Sub(v, middle);
      return hn::MulAdd(centred, centred, sum);
    });
  }
}

// The values before ReLU and pool.
struct NormValue {
  V scale, shift;
  const float* HWY_RESTRICT x;
  const float* HWY_RESTRICT skip;

  HWY_INLINE V at(Lanes d, size_t i) const {
    const V value = hn::MulAdd(hn::Load(d, x + i), scale, shift);
    return skip == nullptr ? value : hn::Add(value, hn::Load(d, skip + i));
  }
};

void NormForward(const Norm& s, const float* x, const float* scale, const float* shift,
                 const float* skip, float* HWY_RESTRICT y) {
  const Lanes d;
  const V zero = hn::Zero(d);
  const size_t plane = s.height * s.width;
  for (size_t c = 0; c < s.channels; ++c) {
    const NormValue value{hn::Set(d, scale[c]), hn::Set(d, shift[c]), x + c * plane * kLanes,
                          skip == nullptr ? nullptr : skip + c * plane * kLanes};
    if (!s.pool) {
      float* HWY_RESTRICT out = y + c * plane * kLanes;
      for (size_t i = 0; i < plane * kLanes; i += kStep) {
        const V v = value.at(d, i);
        hn::Store(s.relu ? hn::Max(v, zero) : v, d, out + i);
      }
      continue;
    }
    for (size_t i = 0; i + 1 < s.height; i += 2) {
      for (size_t j = 0; j + 1 < s.width; j += 2, y += kLanes) {
        for (size_t lane = 0; lane < kLanes; lane += kStep) {
          const size_t at = (i * s.width + j) * kLanes + lane, below = at + s.width * kLanes;
          const V v = hn::Max(hn::Max(value.at(d, at), value.at(d, at + kLanes)),
                              hn::Max(value.at(d, below), value.at(d, below + kLanes)));
          hn::Store(s.relu ? hn::Max(v, zero) : v, d, y + lane);
        }
      }
    }
  }
}

// Calls visit(i, x, dz) for every value of channel c: its place, and the gradient that reaches it
// through pool and ReLU. Where `all` is false, values that a pool drops are passed over.
template <class Visit>
HWY_INLINE void norm_route(Lanes d, const Norm& s, const NormValue& value,
                           const float* HWY_RESTRICT y, const float* HWY_RESTRICT y_gradient,
                           bool all, size_t lane, Visit&& visit) {
  const V zero = hn::Zero(d);
  const auto through_relu = [&](size_t i) HWY_ATTR {
    const V g = hn::Load(d, y_gradient + i);
    return s.relu ? hn::IfThenZeroElse(hn::Le(hn::Load(d, y + i), zero), g) : g;
  };
  if (!s.pool) {
    for (size_t i = lane; i < s.height * s.width * kLanes; i += kLanes) visit(i, through_relu(i));
    return;
  }
  const size_t height = s.height / 2 * 2, width = s.width / 2 * 2;
  size_t out = lane;
  for (size_t i = 0; i < height; i += 2) {
    for (size_t j = 0; j < width; j += 2, out += kLanes) {
      const size_t place[4] = {
          (i * s.width + j) * kLanes + lane, (i * s.width + j + 1) * kLanes + lane,
          ((i + 1) * s.width + j) * kLanes + lane, ((i + 1) * s.width + j + 1) * kLanes + lane};
      V v[4];
      DOPPEL_UNROLL
      for (size_t q = 0; q < 4; ++q) v[q] = value.at(d, place[q]);
      const V largest = hn::Max(hn::Max(v[0], v[1]), hn::Max(v[2], v[3]));
      V left = through_relu(out);  // what no value has taken yet
      DOPPEL_UNROLL
      for (size_t q = 0; q < 4; ++q) {
        const M takes = hn::Eq(v[q], largest);
        visit(place[q], hn::IfThenElseZero(takes, left));
        left = hn::IfThenZeroElse(takes, left);
      }
    }
  }
  if (!all) return;
  for (size_t i = 0; i < s.height; ++i) {
    for (size_t j = i < height ? width : 0; j < s.width; ++j) {
      visit((i * s.width + j) * kLanes + lane, zero);
    }
  }
}

HWY_INLINE NormValue norm_value(Lanes d, const Norm& s, const float* x, const float* scale,
                                const float* shift, const float* skip, size_t c) {
  const size_t at = c * s.height * s.width * kLanes;
  return {hn::Set(d, scale[c]), hn::Set(d, shift[c]), x + at,
          skip == nullptr ? nullptr : skip + at};
}

void NormGradientSums(const Norm& s, const float* x, const float* scale, const float* shift,
                      const float* skip, const float* y, const float* y_gradient, const float* mean,
                      const float* inverse, float* sums) {
  const Lanes d;
  HWY_ALIGN float total[2][kLanes];
  for (size_t c = 0; c < s.channels; ++c) {
    const NormValue value = norm_value(d, s, x, scale, shift, skip, c);
    const size_t out = c * s.out_plane() * kLanes;
    const V middle = hn::Set(d, mean[c]), unit = hn::Set(d, inverse[c]);
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V sum = hn::Zero(d), product = hn::Zero(d);
      norm_route(d, s, value, y + out, y_gradient + out, false, lane, [&](size_t i, V g) HWY_ATTR {
        const V normal = hn::Mul(hn::Sub(hn::Load(d, value.x + i), middle), unit);
        sum = hn::Add(sum, g);
        product = hn::MulAdd(g, normal, product);
      });
      hn::Store(sum, d, total[0] + lane);
      hn::Store(product, d, total[1] + lane);
    }
    sums[2 * c] = sum_of_lanes(total[0]);
    sums[2 * c + 1] = sum_of_lanes(total[1]);
  }
}

void NormGradient(const Norm& s, const float* x, const float* scale, const float* shift,
                  const float* skip, const float* y, const float* y_gradient, const float* mean,
                  const float* inverse, const float* mean_gradient, const float* mean_product,
                  size_t images, float* x_gradient, float* skip_gradient) {
  const Lanes d;
  for (size_t c = 0; c < s.channels; ++c) {
    const NormValue value = norm_value(d, s, x, scale, shift, skip, c);
    const size_t out = c * s.out_plane() * kLanes, in = c * s.height * s.width * kLanes;
    const V middle = hn::Set(d, mean[c]), unit = hn::Set(d, inverse[c]);
    const V gradient = hn::Set(d, mean_gradient[c]), product = hn::Set(d, mean_product[c]);
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      const M there = first_lanes(d, images, lane);
      norm_route(d, s, value, y + out, y_gradient + out, true, lane, [&](size_t i, V g) HWY_ATTR {
        const V normal = hn::Mul(hn::Sub(hn::Load(d, value.x + i), middle), unit);
        const V centred = hn::Sub(hn::Sub(g, gradient), hn::Mul(normal, product));
        if (x_gradient != nullptr) {
          hn::Store(hn::IfThenElseZero(there, hn::Mul(centred, value.scale)), d,
                    x_gradient + in + i);
        }
        if (skip_gradient != nullptr) hn::Store(g, d, skip_gradient + in + i);
      });
    }
  }
}

void PlaneMeans(const float* HWY_RESTRICT x, size_t channels, size_t plane, float* HWY_RESTRICT y) {
  const Lanes d;
  const V share = hn::Set(d, 1.0f / static_cast<float>(plane));
  for (size_t c = 0; c < channels; ++c) {
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      V sum = hn::Zero(d);
      for (size_t i = 0; i < plane; ++i) {
        sum = hn::Add(sum, hn::Load(d, x + (c * plane + i) * kLanes + lane));
      }
      hn::Store(hn::Mul(sum, share), d, y + c * kLanes + lane);
    }
  }
}

void PlaneMeansGradient(const float* HWY_RESTRICT y_gradient, size_t channels, size_t plane,
                        float* HWY_RESTRICT x_gradient) {
  const Lanes d;
  const V share = hn::Set(d, 1.0f / static_cast<float>(plane));
  for (size_t c = 0; c < channels; ++c) {
    for (size_t lane = 0; lane < kLanes; lane += kStep) {
      const V g = hn::Mul(hn::Load(d, y_gradient + c * kLanes + lane), share);
      for (size_t i = 0; i < plane; ++i) {
        hn::Store(g, d, x_gradient + (c * plane + i) * kLanes + lane);
      }
    }
  }
}

// |x|, at least 1e-12: what L2Normalize divides by.
HWY_INLINE V length_of(Lanes d, const float* HWY_RESTRICT x, size_t n, size_t lane) {
  V sum = hn::Zero(d);
  for (size_t i = 0; i < n; ++i) {
    const V v = hn::Load(d, x + i * kLanes + lane);
    sum = hn::MulAdd(v, v, sum);
  }
  return hn::Max(hn::Sqrt(sum), hn::Set(d, 1e-12f));
}

void UnitLength(const float* HWY_RESTRICT x, size_t n, float* HWY_RESTRICT y) {
  const Lanes d;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    const V length = length_of(d, x, n, lane);
    for (size_t i = 0; i < n; ++i) {
      hn::Store(hn::Div(hn::Load(d, x + i * kLanes + lane), length), d, y + i * kLanes + lane);
    }
  }
}

// dx = (dy - y (y . dy)) / |x|.
void UnitLengthGradient(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y,
                        const float* HWY_RESTRICT y_gradient, size_t n,
                        float* HWY_RESTRICT x_gradient) {
  const Lanes d;
  for (size_t lane = 0; lane < kLanes; lane += kStep) {
    const V length = length_of(d, x, n, lane);
    V dot = hn::Zero(d);
    for (size_t i = 0; i < n; ++i) {
      const size_t at = i * kLanes + lane;
      dot = hn::MulAdd(hn::Load(d, y + at), hn::Load(d, y_gradient + at), dot);
    }
    for (size_t i = 0; i < n; ++i) {
      const size_t at = i * kLanes + lane;
      const V across = hn::NegMulAdd(hn::Load(d, y + at), dot, hn::Load(d, y_gradient + at));
      hn::Store(hn::Div(across, length), d, x_gradient + at);
    }
  }
}

void AddValues(const float* a, const float* b, size_t n, float* sum) {
  const Lanes d;
  for (size_t i = 0; i < n * kLanes; i += kStep) {
    hn::Store(hn::Add(hn::Load(d, a + i), hn::Load(d, b + i)), d, sum + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_NORM_INL_H_
