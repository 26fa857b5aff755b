#include "doppel/image/warp.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string>

#include "doppel/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/image/warp.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"

#ifndef DOPPEL_IMAGE_WARP_ROW
#define DOPPEL_IMAGE_WARP_ROW
namespace doppel::internal {
namespace {

// One row of the new picture: pixel j comes from (x + xx j, y + yx j), from the corner.
struct WarpRow {
  float x = 0, xx = 0, y = 0, yx = 0;
  const float* dx = nullptr;  // to be added; or none
  const float* dy = nullptr;
};

}  // namespace
}  // namespace doppel::internal
#endif  // DOPPEL_IMAGE_WARP_ROW

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The pixels j, j + 1, .. of as many as d has lanes. Nothing is fused, so every width gives the
// same bits.
template <class D>
HWY_INLINE void warp_pixels(D d, const WarpRow& row, const float* HWY_RESTRICT in, size_t height,
                            size_t width, size_t j, float* HWY_RESTRICT out) {
  const hn::RebindToSigned<D> di;
  using I = int32_t;
  const auto at = hn::Iota(d, static_cast<float>(j));
  auto x = hn::Add(hn::Set(d, row.x), hn::Mul(hn::Set(d, row.xx), at));
  auto y = hn::Add(hn::Set(d, row.y), hn::Mul(hn::Set(d, row.yx), at));
  if (row.dx != nullptr) {
    x = hn::Add(x, hn::LoadU(d, row.dx + j));
    y = hn::Add(y, hn::LoadU(d, row.dy + j));
  }
  x = hn::Min(hn::Max(x, hn::Zero(d)), hn::Set(d, static_cast<float>(width - 1)));
  y = hn::Min(hn::Max(y, hn::Zero(d)), hn::Set(d, static_cast<float>(height - 1)));
  // Left and upper neighbour, never the last one: its other neighbour is always there.
  const auto last = [&](size_t n) { return hn::Set(di, static_cast<I>(n > 1 ? n - 2 : 0)); };
  const auto left = hn::Min(hn::ConvertTo(di, x), last(width));
  const auto upper = hn::Min(hn::ConvertTo(di, y), last(height));
  const auto right_part = hn::Sub(x, hn::ConvertTo(d, left));
  const auto lower_part = hn::Sub(y, hn::ConvertTo(d, upper));
  const auto index = hn::Add(hn::Mul(upper, hn::Set(di, static_cast<I>(width))), left);
  const float* const right = in + (width > 1 ? 1 : 0);
  const size_t below = height > 1 ? width : 0;
  // (1 - t) a + t b is exactly a for t = 0 and exactly b for t = 1.
  const auto mix = [&](auto a, auto b, auto part) {
    const auto rest = hn::Sub(hn::Set(d, 1.0f), part);
    return hn::Add(hn::Mul(rest, a), hn::Mul(part, b));
  };
  const auto above =
      mix(hn::GatherIndex(d, in, index), hn::GatherIndex(d, right, index), right_part);
  const auto under = mix(hn::GatherIndex(d, in + below, index),
                         hn::GatherIndex(d, right + below, index), right_part);
  hn::StoreU(mix(above, under, lower_part), d, out + j);
}

void WarpOneRow(const WarpRow& row, const float* in, size_t height, size_t width, float* out) {
  const hn::CappedTag<float, 16> d;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  for (; j + lanes <= width; j += lanes) warp_pixels(d, row, in, height, width, j, out);
  if (j == width) return;
  if (width >= lanes) {
    warp_pixels(d, row, in, height, width, width - lanes, out);
  } else {
    const hn::CappedTag<float, 1> one;
    for (; j < width; ++j) warp_pixels(one, row, in, height, width, j, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppel::internal {

HWY_EXPORT(WarpOneRow);

namespace {

void check_sizes(ImageShape shape, size_t in, size_t out) {
  if (in != shape.size() || out != shape.size()) {
    throw Error(ErrorKind::mismatch, "a picture of " + std::to_string(shape.height) + " x " +
                                         std::to_string(shape.width) + " has " +
                                         std::to_string(shape.size()) + " values, given are " +
                                         std::to_string(in) + " and room for " +
                                         std::to_string(out));
  }
}

}  // namespace

void warp(ImageShape shape, std::span<const float> in, const Affine& affine,
          std::span<const float> displacement, std::span<float> out) {
  check_sizes(shape, in.size(), out.size());
  if (!displacement.empty() && displacement.size() != 2 * shape.size()) {
    throw Error(ErrorKind::mismatch, "displacement of " + std::to_string(shape.size()) +
                                         " pixels: two values for each were expected, not " +
                                         std::to_string(displacement.size()));
  }
  if (displacement.empty() && affine == Affine{}) {
    std::copy(in.begin(), in.end(), out.begin());
    return;
  }
  assert(shape.size() <= INT32_MAX);
  const double centre_x = (static_cast<double>(shape.width) - 1) / 2;
  const double centre_y = (static_cast<double>(shape.height) - 1) / 2;
  for (size_t i = 0; i < shape.height; ++i) {
    const double y = static_cast<double>(i) - centre_y;
    WarpRow row;
    row.x = static_cast<float>(centre_x + affine.xx * -centre_x + affine.xy * y + affine.shift_x);
    row.y = static_cast<float>(centre_y + affine.yx * -centre_x + affine.yy * y + affine.shift_y);
    row.xx = static_cast<float>(affine.xx);
    row.yx = static_cast<float>(affine.yx);
    if (!displacement.empty()) {
      row.dx = displacement.data() + i * shape.width;
      row.dy = row.dx + shape.size();
    }
    HWY_DYNAMIC_DISPATCH(WarpOneRow)
    (row, in.data(), shape.height, shape.width, out.data() + i * shape.width);
  }
}

void mirror(ImageShape shape, std::span<const float> in, std::span<float> out) {
  check_sizes(shape, in.size(), out.size());
  for (size_t i = 0; i < in.size(); i += shape.width) {
    const auto row = in.subspan(i, shape.width);
    std::reverse_copy(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
