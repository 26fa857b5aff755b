#include "doppel/eval/impostor_tail.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "doppel/base/elementary.h"

namespace doppel::internal {
namespace {

constexpr double kTailShare = 0.05, kFewestOfTail = 20;

}  // namespace

ImpostorTail::ImpostorTail(std::span<const float> distances, std::span<const uint64_t> weights,
                           double anchor)
    : distances_(distances), up_to_(weights.size()), anchor_(anchor) {
  std::partial_sum(weights.begin(), weights.end(), up_to_.begin());
  anchor_distance_ = distance_at_rank(anchor);
  const auto total = static_cast<double>(up_to_.back());
  const double tail = std::min(std::max(kTailShare * total, kFewestOfTail), total);
  const double tail_distance = distance_at_rank(tail);
  // A distance of 0 (one picture under two names) would decide alone.
  const double least = 1e-6 * std::max(tail_distance, std::numeric_limits<double>::min());
  double sum = 0, count = 0;
  for (size_t i = 0; i < distances.size() && double{distances[i]} < tail_distance; ++i) {
    const auto weight = static_cast<double>(weights[i]);
    sum += weight * elementary::log(tail_distance / std::max(double{distances[i]}, least));
    count += weight;
  }
  exponent_ = sum > 0 ? count / sum : std::numeric_limits<double>::infinity();
}

double ImpostorTail::distance_at_rank(double rank) const {
  // The distance number i (from 1 on) of all copies, copies of one pair lying together.
  const auto numbered = [&](double i) {
    const auto number = static_cast<uint64_t>(i);
    const auto found =
        std::ranges::lower_bound(up_to_, std::clamp<uint64_t>(number, 1, up_to_.back()));
    return double{distances_[static_cast<size_t>(found - up_to_.begin())]};
  };
  const double below = std::floor(rank);
  return std::lerp(numbered(below), numbered(below + 1), rank - below);
}

double ImpostorTail::distance_at(double far) const {
  const double rank = far * (static_cast<double>(up_to_.back()) + 1);
  if (rank >= anchor_) return distance_at_rank(rank);
  return anchor_distance_ * elementary::pow(rank / anchor_, 1 / exponent_);
}

}  // namespace doppel::internal
