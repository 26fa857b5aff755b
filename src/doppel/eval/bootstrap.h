// How far figures would vary with other people: scored pairs and the persons they show come in,
// confidence intervals go out.
//
// Pairs that share a person are not independent, so that pairs must not be resampled one by one.
// Here persons are (Bolle, Ratha, Pankanti: Error analysis of pattern recognition systems - the
// subsets bootstrap, 2004; Poh, Bengio: Estimating the confidence interval of expected performance
// curve in biometric authentication using joint bootstrap, 2007): of n persons, n are drawn with
// replacement, person i comes m_i times. A genuine pair of i then counts m_i times, an impostor
// pair of i and j m_i * m_j times; two copies of one person make no impostor pair. A draw that
// leaves no genuine or no impostor pair is drawn again. The interval lies between the 2.5 % and the
// 97.5 % quantile of the replicates. With a handful of persons it is a rough guide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/base/thread_pool.h"
#include "doppel/data/pairs.h"
#include "doppel/eval/verification.h"

namespace doppel::internal {

struct Interval {
  double lower = 0, upper = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

// Replicate r draws from Random(seed, Purpose::bootstrap, r).
struct Bootstrap {
  size_t replicates = 1000;  // >= 1
  uint64_t seed = 0;
  std::stop_token stop = {};  // asks to end: Error(cancelled) is thrown

  // Throws that where it was asked.
  void check_stop() const;
};

// The persons of a pair's two images, numbered from 0 on.
struct PairPersons {
  uint32_t a = 0, b = 0;
};
// `identity_of`: the person of each image. Throws Error(mismatch) for a pair that names no image.
std::vector<PairPersons> persons_of(std::span<const Pair> pairs,
                                    std::span<const uint32_t> identity_of);

// Throws like check_scored_pairs; Error(mismatch) where the numbers of pairs differ, or a pair is
// called genuine though its persons differ, or the other way round.
void check_pair_persons(const ScoredPairs& pairs, std::span<const PairPersons> persons);

// How often each of `persons` comes in one draw of as many.
std::vector<uint32_t> draw_persons(size_t persons, Random& random);

// The p-quantile of rising `sorted` (not empty), 0 <= p <= 1, interpolated linearly between ranks
// 1 .. n (type 7 of Hyndman and Fan: Sample quantiles in statistical packages, 1996).
double quantile(std::span<const double> sorted, double p);

// The interval that holds `share` of the values, with as many of them below it as above.
Interval percentile_interval(std::vector<double> values, double share = 0.95);

struct VerificationIntervals {
  Interval eer, auc;
  std::array<Interval, kFarLevels.size()> tar_at_far;  // of kFarLevels
};
// The figures of measure_verification(). The pairs are sorted once and reweighted for every
// replicate; replicates run on the pool's threads, the result does not depend on their number.
// Throws like check_pair_persons.
VerificationIntervals bootstrap_verification(const ScoredPairs& pairs,
                                             std::span<const PairPersons> persons,
                                             const Bootstrap& bootstrap, ThreadPool& pool);

// The rate sum(right) / sum(trials) over persons, e.g. of one-shot recognition: the probes' persons
// are resampled, the persons to choose from stay. {0, 0} where nobody has trials.
// Throws Error(mismatch) where the two differ in length.
Interval bootstrap_rate(std::span<const double> right, std::span<const size_t> trials,
                        const Bootstrap& bootstrap, ThreadPool& pool);

}  // namespace doppel::internal
