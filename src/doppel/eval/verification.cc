#include "doppel/eval/verification.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

double ratio(size_t part, size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void check_scored_pairs(const ScoredPairs& pairs) {
  if (pairs.distance.size() != pairs.genuine.size()) {
    throw Error(ErrorKind::mismatch, "scored pairs: " + std::to_string(pairs.distance.size()) +
                                         " distances for " + std::to_string(pairs.genuine.size()) +
                                         " labels");
  }
  bool any_genuine = false, any_impostor = false;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    if (!std::isfinite(pairs.distance[i])) {
      throw Error(ErrorKind::numeric, "scored pairs: the distance of pair " + std::to_string(i) +
                                          " is " + std::to_string(pairs.distance[i]) +
                                          ", a finite number was expected");
    }
    (pairs.genuine[i] ? any_genuine : any_impostor) = true;
  }
  if (!any_genuine || !any_impostor) {
    throw Error(ErrorKind::bad_data,
                std::string("scored pairs: genuine and impostor pairs are needed to measure "
                            "verification, there is no ") +
                    (any_genuine ? "impostor pair: at least two identities are needed"
                                 : "genuine pair: an identity with at least two images is needed"));
  }
}

std::vector<OperatingPoint> roc_curve(const ScoredPairs& pairs) {
  check_scored_pairs(pairs);
  std::vector<std::pair<float, bool>> sorted;
  sorted.reserve(pairs.distance.size());
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    sorted.emplace_back(pairs.distance[i], pairs.genuine[i] != 0);
  }
  std::sort(sorted.begin(), sorted.end());

  std::vector<OperatingPoint> roc;
  OperatingPoint point;
  point.threshold = sorted.front().first;
  roc.push_back(point);  // nothing lies below the smallest distance
  for (size_t i = 0; i < sorted.size();) {
    const float distance = sorted[i].first;
    for (; i < sorted.size() && sorted[i].first == distance; ++i) {
      ++(sorted[i].second ? point.accepted_genuine : point.accepted_impostor);
    }
    // In double precision, so that the middle of two neighbouring floats lies between them.
    point.threshold = i < sorted.size()
                          ? (double{distance} + double{sorted[i].first}) / 2
                          : std::nextafter(distance, std::numeric_limits<float>::infinity());
    roc.push_back(point);
  }
  for (OperatingPoint& p : roc) {
    p.tar = ratio(p.accepted_genuine, point.accepted_genuine);
    p.far = ratio(p.accepted_impostor, point.accepted_impostor);
  }
  return roc;
}

EqualError equal_error(std::span<const OperatingPoint> roc) {
  assert(!roc.empty());
  const size_t genuine = roc.back().accepted_genuine, impostor = roc.back().accepted_impostor;
  // |FNMR - FAR| times genuine * impostor, in whole numbers: rounding decides no tie.
  const auto difference = [&](const OperatingPoint& p) {
    const size_t misses = (genuine - p.accepted_genuine) * impostor;
    const size_t false_accepts = p.accepted_impostor * genuine;
    return misses > false_accepts ? misses - false_accepts : false_accepts - misses;
  };
  const OperatingPoint& best = *std::min_element(
      roc.begin(), roc.end(), [&](const OperatingPoint& p, const OperatingPoint& q) {
        return difference(p) < difference(q);
      });
  return {(1 - best.tar + best.far) / 2, best.threshold};
}

double area_under_curve(std::span<const OperatingPoint> roc) {
  assert(!roc.empty());
  // Trapezoids: impostors that enter at a point lose to the genuine pairs before them and draw with
  // the genuine pairs that enter together with them.
  size_t twice_area = 0;
  for (size_t i = 1; i < roc.size(); ++i) {
    twice_area += (roc[i].accepted_impostor - roc[i - 1].accepted_impostor) *
                  (roc[i].accepted_genuine + roc[i - 1].accepted_genuine);
  }
  return ratio(twice_area, 2 * roc.back().accepted_genuine * roc.back().accepted_impostor);
}

TarAtFar tar_at_far(std::span<const OperatingPoint> roc, double far) {
  assert(!roc.empty());
  TarAtFar result;
  result.resolved = ratio(1, roc.back().accepted_impostor) <= far;
  result.far = far;
  for (const OperatingPoint& point : roc) {  // TAR only grows along the curve
    if (point.far > far) break;
    result.tar = point.tar;
    result.threshold = point.threshold;
  }
  return result;
}

BestAccuracy best_accuracy(std::span<const OperatingPoint> roc) {
  assert(!roc.empty());
  const size_t genuine = roc.back().accepted_genuine, impostor = roc.back().accepted_impostor;
  size_t most = 0;
  BestAccuracy best;
  for (const OperatingPoint& point : roc) {
    const size_t right = point.accepted_genuine + (impostor - point.accepted_impostor);
    if (right > most) {
      most = right;
      best = {ratio(right, genuine + impostor), point.threshold};
    }
  }
  return best;
}

std::vector<OperatingPoint> thinned(std::span<const OperatingPoint> roc, size_t most) {
  assert(most >= 2);
  if (roc.size() <= most) return {roc.begin(), roc.end()};
  // log(p / (1 - p)) stretches like the normal quantile of a DET plot; rates of 0 and 1 stand half
  // a pair away from them.
  const auto stretched = [](size_t accepted, size_t all) {
    const double p = std::clamp(static_cast<double>(accepted), 0.5, static_cast<double>(all) - 0.5);
    return all < 2 ? 0 : std::log(p / (static_cast<double>(all) - p));
  };
  std::vector<double> length(roc.size(), 0);  // along the curve
  for (size_t i = 1; i < roc.size(); ++i) {
    const auto step = [&](size_t OperatingPoint::*count) {
      const size_t all = roc.back().*count;
      return stretched(roc[i].*count, all) - stretched(roc[i - 1].*count, all);
    };
    length[i] = length[i - 1] + step(&OperatingPoint::accepted_genuine) +
                step(&OperatingPoint::accepted_impostor);
  }
  std::vector<OperatingPoint> kept = {roc.front()};
  const double stride = length.back() / static_cast<double>(most - 1);
  for (size_t i = 1; i + 1 < roc.size() && kept.size() + 1 < most; ++i) {
    if (length[i] >= stride * static_cast<double>(kept.size())) kept.push_back(roc[i]);
  }
  kept.push_back(roc.back());
  return kept;
}

std::optional<double> d_prime(const ScoredPairs& pairs) {
  check_scored_pairs(pairs);
  double mean[2] = {}, variance[2] = {}, count[2] = {};
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    mean[pairs.genuine[i] != 0] += double{pairs.distance[i]};
    count[pairs.genuine[i] != 0] += 1;
  }
  for (const size_t kind : {size_t{0}, size_t{1}}) mean[kind] /= count[kind];
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    const size_t kind = pairs.genuine[i] != 0;
    const double deviation = double{pairs.distance[i]} - mean[kind];
    variance[kind] += deviation * deviation / count[kind];
  }
  if (variance[0] + variance[1] == 0) return std::nullopt;
  return (mean[0] - mean[1]) / std::sqrt((variance[0] + variance[1]) / 2);
}

double ThresholdCounts::accuracy() const {
  return ratio(true_accepts + true_rejects,
               true_accepts + true_rejects + false_accepts + false_rejects);
}

std::optional<double> ThresholdCounts::precision() const {
  if (true_accepts + false_accepts == 0) return std::nullopt;
  return ratio(true_accepts, true_accepts + false_accepts);
}

double ThresholdCounts::recall() const { return ratio(true_accepts, true_accepts + false_rejects); }

ThresholdCounts at_threshold(const ScoredPairs& pairs, double threshold) {
  check_scored_pairs(pairs);
  ThresholdCounts counts;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    if (pairs.distance[i] < threshold) {
      ++(pairs.genuine[i] ? counts.true_accepts : counts.false_accepts);
    } else {
      ++(pairs.genuine[i] ? counts.false_rejects : counts.true_rejects);
    }
  }
  return counts;
}

Verification measure_verification(const ScoredPairs& pairs) {
  return measure_verification(pairs, roc_curve(pairs));
}

Verification measure_verification(const ScoredPairs& pairs, std::span<const OperatingPoint> roc) {
  Verification figures;
  figures.genuine = roc.back().accepted_genuine;
  figures.impostor = roc.back().accepted_impostor;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    (pairs.genuine[i] ? figures.mean_genuine_distance : figures.mean_impostor_distance) +=
        pairs.distance[i];
  }
  figures.mean_genuine_distance /= static_cast<double>(figures.genuine);
  figures.mean_impostor_distance /= static_cast<double>(figures.impostor);
  const EqualError error = equal_error(roc);
  figures.eer = error.rate;
  figures.eer_threshold = error.threshold;
  figures.auc = area_under_curve(roc);
  const TarAtFar tar = tar_at_far(roc, 0.01);
  figures.tar_at_far_1pct = tar.tar;
  figures.far_1pct_resolved = tar.resolved;
  for (size_t i = 0; i < kFarLevels.size(); ++i) {
    figures.tar_at_far[i] = tar_at_far(roc, kFarLevels[i]);
  }
  figures.best_accuracy = best_accuracy(roc);
  figures.d_prime = d_prime(pairs);
  const auto [least, most] = std::minmax_element(pairs.distance.begin(), pairs.distance.end());
  figures.collapsed = double{*most} - double{*least} <= 1e-6 * std::max(1.0, double{*most});
  return figures;
}

}  // namespace doppel::internal
