// Chooses a model's threshold: distances of people who were not trained on come in, the distance
// below which two images count as one person goes out, with what that is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/eval/bootstrap.h"
#include "doppel/eval/verification.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold.h"

namespace doppel::internal {

// The value whose expected FAR is `far`: with impostor distances d_1 <= ... <= d_n it lies at rank
// far * (n + 1), interpolated, because a new impostor falls below d_k with probability k / (n + 1).
// That holds for independent pairs; those of few persons depend on each other, and the FAR is then
// above `far` on average: in simulations 1.2 to 2 times with 10 persons, 1.1 to 1.2 times with 30.
// The interval: for each bootstrap replicate of the persons (bootstrap.h) the value is chosen again
// and the FAR it has on all pairs noted; the interval holds 95 % of these FARs. So it says how far
// from `far` the choice may be with such a number of people. `far` itself always lies in it.
// Throws like check_pair_persons; Error(bad_argument) where `far` is not inside 0 .. 1;
// Error(bad_data) where far * (n + 1) is less than 1 or more than n: too few impostor pairs.
Threshold calibrate(const ScoredPairs& pairs, std::span<const PairPersons> persons, double far,
                    const Bootstrap& bootstrap, ThreadPool& pool);

// Which identities (indices, ascending) are kept from a training to choose its threshold on: of n,
// round(share n), but at least 5 and at most 100, which are plenty, drawn by the seed; nobody where
// there are fewer than 15. Where anybody has two images, one of the chosen has.
// Throws Error(bad_argument) where `share` is outside 0 .. 0.5; 0 is nobody.
std::vector<size_t> held_out_identities(const Dataset& dataset, double share, uint64_t seed);

struct Calibration {
  Threshold threshold;
  bool resolved = true;  // false: fewer than 1 / far impostor pairs, threshold.far is the smallest
                         // rate that they can tell
  Verification verification;  // of the same pairs
};
// Chooses the model's threshold on all pairs of people who are strangers to it, 1000 bootstrap
// replicates. Throws as embed_images() and calibrate() do.
Calibration calibrate(const Model& model, const Dataset& strangers, double far, ThreadPool& pool);

}  // namespace doppel::internal
