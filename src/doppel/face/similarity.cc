#include "doppel/face/similarity.h"

#include <cstddef>

namespace doppel::internal {

Similarity nearest_similarity(std::span<const Point> from, std::span<const Point> to) {
  using Complex = std::complex<double>;
  const auto count = static_cast<double>(from.size());
  const auto as_complex = [](const Point& point) { return Complex(point.x, point.y); };
  Complex from_mean, to_mean, product;
  for (const Point& point : from) from_mean += as_complex(point);
  for (const Point& point : to) to_mean += as_complex(point);
  from_mean /= count;
  to_mean /= count;
  double squares = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    product += std::conj(as_complex(from[i]) - from_mean) * (as_complex(to[i]) - to_mean);
    squares += std::norm(as_complex(from[i]) - from_mean);
  }
  const Complex turn = product / squares;
  return {turn, to_mean - turn * from_mean};
}

}  // namespace doppel::internal
