// Verification (1:1): from scored pairs to error rates. Takes what a network or a baseline gave for
// each pair; gives the figures that eval and crossval print.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace doppel::internal {

// One entry per pair in both; a smaller distance speaks for one person.
struct ScoredPairs {
  std::vector<float> distance;
  std::vector<uint8_t> genuine;  // 1: two images of one identity, 0: of two
};

// Throws Error(mismatch) where the two vectors differ in length, Error(bad_data) where there is no
// genuine or no impostor pair, Error(numeric) where a distance is not finite: what has no error
// rates.
void check_scored_pairs(const ScoredPairs& pairs);

// A pair is accepted where its distance < threshold. TAR = accepted genuine / genuine pairs
// (1 - FNMR), FAR = accepted impostors / impostor pairs (FMR).
struct OperatingPoint {
  double threshold = 0;
  size_t accepted_genuine = 0;
  size_t accepted_impostor = 0;
  double tar = 0;
  double far = 0;
};

// Receiver operating characteristic: every choice a threshold can make, from accepting nothing to
// accepting everything. Pairs of equal distance enter together, in one point, since no threshold
// separates them; the threshold lies midway between the distances on its two sides. Throws as
// check_scored_pairs(). The functions below take what this one returns.
std::vector<OperatingPoint> roc_curve(const ScoredPairs& pairs);

// Equal error rate: at the first point with the smallest |FNMR - FAR|, (FNMR + FAR) / 2. No
// interpolation: the threshold given is one at which just these errors are made.
struct EqualError {
  double rate = 0;
  double threshold = 0;
};
EqualError equal_error(std::span<const OperatingPoint> roc);

// Area under the curve: the chance that a genuine pair is closer than an impostor pair, where equal
// distances count one half (Mann and Whitney, 1947; Hanley and McNeil, 1982). Exact: counts only.
double area_under_curve(std::span<const OperatingPoint> roc);

// The largest TAR whose FAR <= far. With fewer than 1/far impostor pairs the smallest FAR above
// zero is already too large: the TAR is then that of FAR 0, and `resolved` is false.
struct TarAtFar {
  double tar = 0;
  bool resolved = true;
  double far = 0;        // the one asked for
  double threshold = 0;  // where it is reached
};
TarAtFar tar_at_far(std::span<const OperatingPoint> roc, double far);

// The rates that reports give a TAR for.
inline constexpr std::array<double, 4> kFarLevels = {1e-1, 1e-2, 1e-3, 1e-4};

// The largest share of right decisions any threshold makes, at the first such threshold. It is
// chosen on the pairs it is measured on, hence an upper bound: what a threshold from elsewhere
// reaches is at_threshold().accuracy().
struct BestAccuracy {
  double accuracy = 0;
  double threshold = 0;
};
BestAccuracy best_accuracy(std::span<const OperatingPoint> roc);

// At most `most` >= 2 points of the curve for a plot, in order: the first and the last one, and
// between them steps of equal length on the axes of a DET plot, where rates are stretched towards 0
// and 1 (Martin et al.: The DET curve in assessment of detection task performance, 1997), so that
// what is left out lies where the curve is dense. The rates of a point are exact. A DET plot shows
// FNMR = 1 - tar against far.
std::vector<OperatingPoint> thinned(std::span<const OperatingPoint> roc, size_t most = 500);

// Decidability d' = (mean impostor - mean genuine) / sqrt((var genuine + var impostor) / 2)
// (Daugman: Biometric decision landscapes, 2000); none where neither kind varies.
// Throws like roc_curve.
std::optional<double> d_prime(const ScoredPairs& pairs);

// What becomes of the pairs at one threshold.
struct ThresholdCounts {
  size_t true_accepts = 0;
  size_t false_accepts = 0;
  size_t true_rejects = 0;
  size_t false_rejects = 0;

  double accuracy() const;  // right decisions among all pairs
  // Genuine pairs among the accepted ones, the tutorial's compute_accuracy; none where nothing was
  // accepted.
  std::optional<double> precision() const;
  double recall() const;  // accepted pairs among the genuine ones: the TAR
};

// Accepts distance < threshold, as the tutorial does. Throws like roc_curve.
ThresholdCounts at_threshold(const ScoredPairs& pairs, double threshold);

// All figures at once. Throws like roc_curve.
struct Verification {
  size_t genuine = 0;  // numbers of pairs
  size_t impostor = 0;
  double mean_genuine_distance = 0;
  double mean_impostor_distance = 0;
  double eer = 0;
  double eer_threshold = 0;
  double auc = 0;
  double tar_at_far_1pct = 0;
  bool far_1pct_resolved = true;                         // false with fewer than 100 impostor pairs
  std::array<TarAtFar, kFarLevels.size()> tar_at_far{};  // of kFarLevels
  BestAccuracy best_accuracy;
  std::optional<double> d_prime;
  bool collapsed = false;  // all distances alike within 1e-6: the embedding tells nothing apart
};
Verification measure_verification(const ScoredPairs& pairs);
// The same where the pairs' roc_curve() is there already.
Verification measure_verification(const ScoredPairs& pairs, std::span<const OperatingPoint> roc);

}  // namespace doppel::internal
