// The points of Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016): vectors of values to them and back, along one axis.
#if defined(DOPPEL_NN_WINOGRAD_POINTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPEL_NN_WINOGRAD_POINTS_INL_H_
#undef DOPPEL_NN_WINOGRAD_POINTS_INL_H_
#else
#define DOPPEL_NN_WINOGRAD_POINTS_INL_H_
#endif

#include <cstddef>

#include "doppel/nn/lanes-inl.h"
#include "doppel/nn/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {

// Along one axis, with B, A and G of the paper. `N` outputs take N + 2 inputs, points and products.
//   input:    B^T d, N + 2 values to N + 2 points
//   output:   A^T m, N + 2 points to N values
//   gradient: A y, N values to N + 2 points
//   weights:  G^T m, N + 2 points to the 3 weights' gradients
template <size_t N>
struct Points;

// 0, 1, -1 and infinity.
template <>
struct Points<2> {
  static HWY_INLINE void input(Lanes, const V* d, V* out) {
    out[0] = hn::Sub(d[0], d[2]);
    out[1] = hn::Add(d[1], d[2]);
    out[2] = hn::Sub(d[2], d[1]);
    out[3] = hn::Sub(d[3], d[1]);
  }
  static HWY_INLINE void output(Lanes, const V* m, V* out) {
    out[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    out[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
  }
  static HWY_INLINE void gradient(Lanes, const V* y, V* out) {
    out[0] = y[0];
    out[1] = hn::Add(y[0], y[1]);
    out[2] = hn::Sub(y[0], y[1]);
    out[3] = y[1];
  }
  static HWY_INLINE void weights(Lanes d, const V* m, V* out) {
    const V half = hn::Set(d, 0.5f);
    const V even = hn::Mul(half, hn::Add(m[1], m[2]));
    out[0] = hn::Add(m[0], even);
    out[1] = hn::Mul(half, hn::Sub(m[1], m[2]));
    out[2] = hn::Add(m[3], even);
  }
};

// 0, a, -a, b, -b and infinity with a = sqrt(1/2), b = sqrt(2): nearer to 1 than the 1 and 2 of the
// paper, they lose less precision; a^2 b^2 = 1.
template <>
struct Points<4> {
  static constexpr float kA = static_cast<float>(kWinogradA);
  static constexpr float kB = static_cast<float>(kWinogradB);

  // (x^2 - a^2)(x^2 - b^2), x (x +- a)(x^2 - b^2), x (x +- b)(x^2 - a^2), x (x^2 - a^2)(x^2 - b^2)
  static HWY_INLINE void input(Lanes d, const V* in, V* out) {
    const V two = hn::Set(d, 2.0f), half = hn::Set(d, 0.5f), sum = hn::Set(d, 2.5f);
    const V a = hn::Set(d, kA), b = hn::Set(d, kB);
    const V even_a = hn::NegMulAdd(two, in[2], in[4]), odd_a = hn::NegMulAdd(two, in[1], in[3]);
    const V even_b = hn::NegMulAdd(half, in[2], in[4]), odd_b = hn::NegMulAdd(half, in[1], in[3]);
    out[0] = hn::NegMulAdd(sum, in[2], hn::Add(in[0], in[4]));
    out[1] = hn::MulAdd(a, odd_a, even_a);
    out[2] = hn::NegMulAdd(a, odd_a, even_a);
    out[3] = hn::MulAdd(b, odd_b, even_b);
    out[4] = hn::NegMulAdd(b, odd_b, even_b);
    out[5] = hn::NegMulAdd(sum, in[3], hn::Add(in[1], in[5]));
  }
  // out[i] = sum over the points p of p^i m
  static HWY_INLINE void output(Lanes d, const V* m, V* out) {
    const V a = hn::Set(d, kA), b = hn::Set(d, kB), two = hn::Set(d, 2.0f);
    const V half = hn::Set(d, 0.5f), aaa = hn::Set(d, kA / 2), bbb = hn::Set(d, kB * 2);
    const V sum_a = hn::Add(m[1], m[2]), difference_a = hn::Sub(m[1], m[2]);
    const V sum_b = hn::Add(m[3], m[4]), difference_b = hn::Sub(m[3], m[4]);
    out[0] = hn::Add(m[0], hn::Add(sum_a, sum_b));
    out[1] = hn::MulAdd(a, difference_a, hn::Mul(b, difference_b));
    out[2] = hn::MulAdd(half, sum_a, hn::Mul(two, sum_b));
    out[3] = hn::MulAdd(aaa, difference_a, hn::MulAdd(bbb, difference_b, m[5]));
  }
  static HWY_INLINE void gradient(Lanes d, const V* y, V* out) {
    const V a = hn::Set(d, kA), b = hn::Set(d, kB), two = hn::Set(d, 2.0f);
    const V half = hn::Set(d, 0.5f);
    const V even_a = hn::MulAdd(half, y[2], y[0]), odd_a = hn::MulAdd(half, y[3], y[1]);
    const V even_b = hn::MulAdd(two, y[2], y[0]), odd_b = hn::MulAdd(two, y[3], y[1]);
    out[0] = y[0];
    out[1] = hn::MulAdd(a, odd_a, even_a);
    out[2] = hn::NegMulAdd(a, odd_a, even_a);
    out[3] = hn::MulAdd(b, odd_b, even_b);
    out[4] = hn::NegMulAdd(b, odd_b, even_b);
    out[5] = y[3];
  }
  // (1, p, p^2) m / N of each point, N = the product of its distances from the others: 1 at 0,
  // 2 a^2 (a^2 - b^2) = -3/2 at a, 2 b^2 (b^2 - a^2) = 6 at b.
  static HWY_INLINE void weights(Lanes d, const V* m, V* out) {
    const V sum_a = hn::Add(m[1], m[2]), difference_a = hn::Sub(m[1], m[2]);
    const V sum_b = hn::Add(m[3], m[4]), difference_b = hn::Sub(m[3], m[4]);
    const V third = hn::Set(d, 1.0f / 3);
    out[0] =
        hn::MulAdd(hn::Set(d, -2.0f / 3), sum_a, hn::MulAdd(hn::Set(d, 1.0f / 6), sum_b, m[0]));
    out[1] = hn::MulAdd(hn::Set(d, -kA * 2 / 3), difference_a,
                        hn::Mul(hn::Set(d, kB / 6), difference_b));
    out[2] = hn::MulAdd(third, hn::Sub(sum_b, sum_a), m[5]);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#endif  // DOPPEL_NN_WINOGRAD_POINTS_INL_H_
