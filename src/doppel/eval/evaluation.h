// Everything that is measured on a group of people: the distances between their images come in,
// all figures, curves, failures and confidence intervals go out, as a struct and as JSON for the
// report and for scripts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/eval/bootstrap.h"
#include "doppel/eval/distances.h"
#include "doppel/eval/identification.h"
#include "doppel/eval/verification.h"

namespace doppel::internal {

struct EvaluationSettings {
  // The distance below which two images count as one person, chosen on others; without it the
  // threshold of the equal error rate is used, which is chosen on the people it is measured on.
  std::optional<double> threshold;
  Bootstrap bootstrap;
};

inline constexpr size_t kHistogramBins = 60;

// How many pairs have which distance: bins of equal width from `least` to `most`, the last one
// with its upper end.
struct DistanceHistogram {
  double least = 0, most = 0;
  std::array<size_t, kHistogramBins> genuine{}, impostor{};
};

struct HardPair {
  size_t a = 0, b = 0;  // images, a < b
  double distance = 0;

  friend bool operator==(const HardPair&, const HardPair&) = default;
};

inline constexpr size_t kHardPairs = 12;

// k-shot recognition with k reference images of a person, by the nearest of them.
struct ShotRate {
  size_t shots = 0;
  double accuracy = 0;
  size_t ways = 0, trials = 0;
};

struct PersonFigures {
  std::string name;
  size_t images = 0;
  size_t genuine = 0;             // pairs
  std::optional<double> fnmr;     // of these at the threshold; none without pairs
  size_t one_shot_trials = 0;     // its images as probes
  double one_shot_errors = 0;     // among them; a tie counts in part
  std::optional<HardPair> worst;  // the genuine pair of the largest distance
};

struct Evaluation {
  Verification verification;
  VerificationIntervals intervals;
  std::vector<OperatingPoint> curve;  // ROC and DET, thinned()
  double threshold = 0;
  bool calibrated = false;  // the threshold was given
  ThresholdCounts counts;   // at the threshold
  DistanceHistogram histogram;

  Identification identification;       // one reference image
  Interval one_shot;                   // of its rank-1 rate, over the probes' persons
  std::vector<ShotRate> k_shot;        // k = 1, 3, 5 as far as the numbers of images allow
  std::vector<OpenSetPoint> open_set;  // one image enrolled; at most 502 points
  OpenSetPoint open_set_at_threshold, open_set_at_fpir_1pct;
  size_t mated_searches = 0, stranger_searches = 0;

  // The genuine pairs of the largest and the impostor pairs of the smallest distances, the hardest
  // first, at most kHardPairs; of equal distances the earlier pair.
  std::vector<HardPair> hardest_genuine, hardest_impostor;
  std::vector<PersonFigures> persons;
};

// `identity_of` holds the person of each image, an index into `names`. Throws Error(mismatch) where
// the numbers of images differ or an index is out of range, and like check_scored_pairs.
Evaluation evaluate(const Distances& distances, std::span<const uint32_t> identity_of,
                    std::span<const std::string> names, const EvaluationSettings& settings,
                    ThreadPool& pool);

// Rates in 0 .. 1; null for what there is none of. Confidence intervals are [lower, upper] and
// stand under "ci" beside what they belong to. Images are given by their index.
nlohmann::json to_json(const Evaluation& evaluation);

}  // namespace doppel::internal
