// Points in a plane, and as many others: how the ones are turned, scaled and shifted to lie nearest
// to the others.
#pragma once

#include <complex>
#include <span>

#include "doppel/face/found_face.h"

namespace doppel::internal {

// As complex numbers, to = turn * from + shift.
struct Similarity {
  std::complex<double> turn, shift;
};

// By least squares: turn = sum conj(f) t / sum |f|^2 of the centred points f and t (Umeyama, PAMI
// 1991, in two dimensions). Not finite where `from` are all one point. As many of each.
Similarity nearest_similarity(std::span<const Point> from, std::span<const Point> to);

}  // namespace doppel::internal
