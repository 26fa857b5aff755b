#include "doppel/face/similarity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

namespace doppel::internal {
namespace {

TEST(Similarity, IsTheOneThatPointsWereMovedBy) {
  const std::vector<Point> from = {{1, 2}, {5, 3}, {2, 7}, {-4, 0}};
  const std::complex<double> turn(0.6, -1.1), shift(3, -8);
  std::vector<Point> to;
  for (const Point& point : from) {
    const std::complex<double> moved = turn * std::complex(point.x, point.y) + shift;
    to.push_back({moved.real(), moved.imag()});
  }
  const Similarity found = nearest_similarity(from, to);
  EXPECT_NEAR(std::abs(found.turn - turn), 0, 1e-12);
  EXPECT_NEAR(std::abs(found.shift - shift), 0, 1e-12);
}

TEST(Similarity, LeavesTheLeastSquaredErrorWhereNoneFits) {
  const std::vector<Point> from = {{0, 0}, {4, 0}, {1, 3}}, to = {{1, 1}, {4, 2}, {0, 5}};
  const Similarity best = nearest_similarity(from, to);
  const auto error = [&](std::complex<double> turn, std::complex<double> shift) {
    double sum = 0;
    for (size_t i = 0; i < from.size(); ++i) {
      sum += std::norm(turn * std::complex(from[i].x, from[i].y) + shift -
                       std::complex(to[i].x, to[i].y));
    }
    return sum;
  };
  for (const std::complex<double> change : {std::complex(0.01, 0.0), std::complex(0.0, 0.01)}) {
    for (const double sign : {-1.0, 1.0}) {
      EXPECT_LT(error(best.turn, best.shift), error(best.turn + sign * change, best.shift));
      EXPECT_LT(error(best.turn, best.shift), error(best.turn, best.shift + sign * change));
    }
  }
}

TEST(Similarity, OfASinglePointIsNotFinite) {
  const std::vector<Point> one(3, Point{2, 2}), other = {{0, 0}, {1, 0}, {0, 1}};
  EXPECT_FALSE(std::isfinite(std::abs(nearest_similarity(one, other).turn)));
}

}  // namespace
}  // namespace doppel::internal
