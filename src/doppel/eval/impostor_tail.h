// How the distances between strangers thin out towards 0: distances with weights come in, the
// distance of any FAR goes out, also of one so small that none of the pairs at hand shows it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace doppel::internal {

// Of total weight n, the distance of a FAR lies at rank far * (n + 1), interpolated between the
// distances: the rate that is expected of a new impostor. Below the rank `anchor` (at most 10) a
// power law through that point takes over,
//   FAR(d) = FAR(d_anchor) (d / d_anchor)^k,
// because a ball of radius d around an embedding holds d^k of what lies about it in k dimensions;
// k is its maximum-likelihood estimate from the nearest twentieth of the pairs (but 20 at least),
// with m of them below d_m: 1/k = mean over i < m of ln(d_m / d_i) (Hill: A simple general approach
// to inference about the tail of a distribution, 1975; as a local dimension: Levina and Bickel,
// 2004). Distances near 0 of clustered people make k small, and the estimate careful.
class ImpostorTail {
 public:
  // `distances` rise and are not empty; `weights`, of the same number, are at least 0 with a sum of
  // at least 1. `anchor` >= 1, at most the sum.
  ImpostorTail(std::span<const float> distances, std::span<const uint64_t> weights, double anchor);

  double distance_at(double far) const;          // far in (0, 1]
  double exponent() const { return exponent_; }  // k; infinite where the nearest are all alike

 private:
  double distance_at_rank(double rank) const;

  std::span<const float> distances_;
  std::vector<uint64_t> up_to_;  // weight of this and all smaller distances
  double anchor_, anchor_distance_, exponent_;
};

}  // namespace doppel::internal
