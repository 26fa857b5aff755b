#include "doppel/eval/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {
namespace {

// `count` pairs, about a third genuine and on average closer; distances on a coarse grid, so that
// many are equal within and between the two kinds. levels = 0: no grid, hardly any ties.
ScoredPairs random_pairs(uint32_t seed, size_t count, uint32_t levels) {
  Random random(seed, Purpose::sample);
  ScoredPairs pairs;
  for (size_t i = 0; i < count; ++i) {
    const bool genuine = i < 2 ? i == 0 : random.below(3) == 0;  // at least one of each
    double distance = (genuine ? 0.3 : 0.5) + 0.2 * random.normal();
    if (levels > 0) distance = std::round(distance * levels) / levels;
    pairs.distance.push_back(static_cast<float>(distance));
    pairs.genuine.push_back(genuine);
  }
  return pairs;
}

// FAR and FNMR by counting all pairs, the decision being distance <= d (or nothing accepted).
struct Rates {
  double far = 0, fnmr = 1;
};
Rates rates_up_to(const ScoredPairs& pairs, double d) {
  double genuine = 0, impostor = 0, missed = 0, accepted = 0;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    const bool accept = pairs.distance[i] <= d;
    (pairs.genuine[i] ? genuine : impostor) += 1;
    if (pairs.genuine[i] && !accept) missed += 1;
    if (!pairs.genuine[i] && accept) accepted += 1;
  }
  return {accepted / impostor, missed / genuine};
}

double brute_auc(const ScoredPairs& pairs) {
  double wins = 0, count = 0;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    for (size_t j = 0; j < pairs.distance.size(); ++j) {
      if (!pairs.genuine[i] || pairs.genuine[j]) continue;
      count += 1;
      if (pairs.distance[i] < pairs.distance[j]) wins += 1;
      if (pairs.distance[i] == pairs.distance[j]) wins += 0.5;
    }
  }
  return wins / count;
}

TEST(Verification, AgreesWithTheDefinitionsByBruteForce) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const size_t count = 2 + seed * 7;
    const ScoredPairs pairs = random_pairs(seed, count, seed % 3 == 0 ? 0 : 5 * (seed % 3));
    const Verification figures = measure_verification(pairs);
    EXPECT_DOUBLE_EQ(figures.auc, brute_auc(pairs)) << seed;

    double smallest = 1, tar_1pct = 0;  // |0 - 1| where nothing is accepted
    for (const float d : pairs.distance) {
      const Rates rates = rates_up_to(pairs, d);
      smallest = std::min(smallest, std::abs(rates.fnmr - rates.far));
      if (rates.far <= 0.01) tar_1pct = std::max(tar_1pct, 1 - rates.fnmr);
    }
    EXPECT_NEAR(figures.tar_at_far_1pct, tar_1pct, 1e-12) << seed;

    // The EER is (FNMR + FAR) / 2 at its own threshold, and no threshold brings the two closer.
    const ThresholdCounts at_eer = at_threshold(pairs, figures.eer_threshold);
    const double far = static_cast<double>(at_eer.false_accepts) /
                       static_cast<double>(at_eer.false_accepts + at_eer.true_rejects);
    EXPECT_NEAR(figures.eer, (1 - at_eer.recall() + far) / 2, 1e-12) << seed;
    EXPECT_NEAR(std::abs(1 - at_eer.recall() - far), smallest, 1e-12) << seed;
  }
}

TEST(Verification, EveryPointOfTheRocIsMadeByItsThreshold) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const ScoredPairs pairs = random_pairs(seed, 100, seed % 2 * 8);
    const std::vector<OperatingPoint> roc = roc_curve(pairs);
    EXPECT_EQ(roc.front().accepted_genuine + roc.front().accepted_impostor, 0u);
    EXPECT_EQ(roc.back().accepted_genuine + roc.back().accepted_impostor, 100u);
    EXPECT_EQ(roc.back().tar, 1);
    EXPECT_EQ(roc.back().far, 1);
    for (size_t i = 0; i < roc.size(); ++i) {
      const ThresholdCounts counts = at_threshold(pairs, roc[i].threshold);
      EXPECT_EQ(counts.true_accepts, roc[i].accepted_genuine);
      EXPECT_EQ(counts.false_accepts, roc[i].accepted_impostor);
      EXPECT_DOUBLE_EQ(counts.recall(), roc[i].tar);
      if (i > 0) {
        EXPECT_LT(roc[i - 1].threshold, roc[i].threshold);
      }
    }
  }
}

TEST(Verification, NeighbouringFloatsAreSeparated) {
  const float next = std::nextafter(1.0f, 2.0f);
  const Verification figures = measure_verification({{1.0f, next}, {1, 0}});
  EXPECT_EQ(figures.eer, 0);
  EXPECT_GT(figures.eer_threshold, 1.0);
  EXPECT_LT(figures.eer_threshold, double{next});
}

// The rule of the trial programs that issued the figures to compare with: pairs enter one by one,
// k = argmin |1 - tpr - fpr|, EER = ((1 - tpr[k]) + fpr[k]) / 2. Without ties it is ours.
TEST(Verification, WithoutTiesTheEqualErrorIsTheTrialPrograms) {
  const ScoredPairs pairs = random_pairs(3, 500, 0);
  double smallest = 2, eer = 0;
  ScoredPairs sorted = pairs;
  std::sort(sorted.distance.begin(), sorted.distance.end());
  for (const float d : sorted.distance) {
    const Rates rates = rates_up_to(pairs, d);
    if (std::abs(rates.fnmr - rates.far) < smallest - 1e-12) {
      smallest = std::abs(rates.fnmr - rates.far);
      eer = (rates.fnmr + rates.far) / 2;
    }
  }
  EXPECT_NEAR(measure_verification(pairs).eer, eer, 1e-12);
}

TEST(Verification, SmallCaseByHand) {
  // Sorted: 0.1 G, 0.2 G, 0.3 I, 0.4 G, {0.5 G, 0.5 I}, 0.6 I, 0.7 I. Four of each.
  const ScoredPairs pairs{{0.5f, 0.1f, 0.3f, 0.6f, 0.2f, 0.7f, 0.4f, 0.5f},
                          {1, 1, 0, 0, 1, 0, 1, 0}};
  const std::vector<OperatingPoint> roc = roc_curve(pairs);
  ASSERT_EQ(roc.size(), 8u);
  EXPECT_EQ(roc[5].tar, 1);
  EXPECT_EQ(roc[5].far, 0.5);
  const Verification figures = measure_verification(pairs);
  EXPECT_EQ(figures.genuine, 4u);
  EXPECT_EQ(figures.impostor, 4u);
  EXPECT_NEAR(figures.mean_genuine_distance, 0.3, 1e-7);
  EXPECT_NEAR(figures.mean_impostor_distance, 0.525, 1e-7);
  // After 0.4: one genuine pair missed, one impostor accepted.
  EXPECT_EQ(figures.eer, 0.25);
  EXPECT_NEAR(figures.eer_threshold, 0.45, 1e-7);
  // 4 + 4 wins of 0.1 and 0.2, 3 of 0.4, 2 and a draw of 0.5.
  EXPECT_EQ(figures.auc, 13.5 / 16);
  EXPECT_EQ(figures.tar_at_far_1pct, 0.5);
  EXPECT_FALSE(figures.far_1pct_resolved);
  EXPECT_FALSE(figures.collapsed);

  EXPECT_EQ(tar_at_far(roc, 0.25).tar, 0.75);
  EXPECT_TRUE(tar_at_far(roc, 0.25).resolved);
  EXPECT_EQ(tar_at_far(roc, 0.49).tar, 0.75);
  EXPECT_EQ(tar_at_far(roc, 0.5).tar, 1);
  EXPECT_EQ(tar_at_far(roc, 0.0).tar, 0.5);
}

TEST(Verification, OnePercentIsResolvedFromOneHundredImpostorsOn) {
  ScoredPairs pairs;
  pairs.distance.assign(101, 1.0f);
  pairs.genuine.assign(101, 0);
  pairs.distance[0] = 0.5f;  // an impostor closer than the only genuine pair
  pairs.distance[1] = 0.6f;
  pairs.genuine[1] = 1;
  EXPECT_TRUE(measure_verification(pairs).far_1pct_resolved);
  EXPECT_EQ(measure_verification(pairs).tar_at_far_1pct, 1);  // 1 of 100 is 1 %, not more
  pairs.distance.pop_back();
  pairs.genuine.pop_back();
  EXPECT_FALSE(measure_verification(pairs).far_1pct_resolved);
  EXPECT_EQ(measure_verification(pairs).tar_at_far_1pct, 0);
}

TEST(Verification, AllDistancesAlikeIsChanceAndSaysSo) {
  const Verification figures =
      measure_verification({{0.7f, 0.7f, 0.7f, 0.7f, 0.7f}, {1, 0, 0, 1, 0}});
  EXPECT_EQ(figures.eer, 0.5);
  EXPECT_EQ(figures.auc, 0.5);
  EXPECT_EQ(figures.tar_at_far_1pct, 0);
  EXPECT_TRUE(figures.collapsed);
}

TEST(Verification, ReversedDistancesAreTheWorstOfAll) {
  const Verification figures = measure_verification({{3, 4, 1, 2}, {1, 1, 0, 0}});
  EXPECT_EQ(figures.auc, 0);
  EXPECT_EQ(figures.eer, 1);
  EXPECT_EQ(figures.tar_at_far_1pct, 0);
}

TEST(ThresholdCounts, SmallCaseByHand) {
  const ScoredPairs pairs{{0.1f, 0.5f, 0.4f, 0.6f, 0.2f}, {1, 1, 0, 0, 1}};
  const ThresholdCounts counts = at_threshold(pairs, 0.5);  // 0.5 itself is rejected
  EXPECT_EQ(counts.true_accepts, 2u);
  EXPECT_EQ(counts.false_accepts, 1u);
  EXPECT_EQ(counts.true_rejects, 1u);
  EXPECT_EQ(counts.false_rejects, 1u);
  EXPECT_DOUBLE_EQ(counts.accuracy(), 0.6);
  EXPECT_DOUBLE_EQ(counts.precision().value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.recall(), 2.0 / 3);
}

TEST(ThresholdCounts, NothingAcceptedHasNoPrecision) {
  const ThresholdCounts counts = at_threshold({{0.7f, 0.8f}, {1, 0}}, 0.5);
  EXPECT_EQ(counts.precision(), std::nullopt);
  EXPECT_EQ(counts.recall(), 0);
  EXPECT_EQ(counts.accuracy(), 0.5);
}

TEST(Verification, TarAtEveryLevelAndWhatThePairsCannotTell) {
  const ScoredPairs pairs = random_pairs(4, 3000, 0);
  const Verification figures = measure_verification(pairs);
  ASSERT_GT(figures.impostor, 1000u);
  ASSERT_LT(figures.impostor, 10000u);
  const bool resolved[] = {true, true, true, false};
  for (size_t i = 0; i < kFarLevels.size(); ++i) {
    const TarAtFar& tar = figures.tar_at_far[i];
    EXPECT_EQ(tar.far, kFarLevels[i]);
    EXPECT_EQ(tar.resolved, resolved[i]);
    const ThresholdCounts counts = at_threshold(pairs, tar.threshold);
    EXPECT_EQ(counts.recall(), tar.tar);
    EXPECT_LE(static_cast<double>(counts.false_accepts),
              tar.far * static_cast<double>(figures.impostor));
  }
  EXPECT_EQ(figures.tar_at_far[1].tar, figures.tar_at_far_1pct);
}

TEST(Verification, NoThresholdDecidesBetterThanTheBest) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const ScoredPairs pairs = random_pairs(seed, 90, seed % 2 * 9);
    const BestAccuracy best = best_accuracy(roc_curve(pairs));
    double most = 0;
    for (const OperatingPoint& point : roc_curve(pairs)) {
      most = std::max(most, at_threshold(pairs, point.threshold).accuracy());
    }
    EXPECT_DOUBLE_EQ(best.accuracy, most);
    EXPECT_DOUBLE_EQ(at_threshold(pairs, best.threshold).accuracy(), most);
  }
}

TEST(Verification, DecidabilityByHand) {
  // Means 2 and 5, variances 1 and 4.
  EXPECT_DOUBLE_EQ(d_prime({{1, 3, 3, 7}, {1, 1, 0, 0}}).value(), 3 / std::sqrt(2.5));
  EXPECT_LT(d_prime({{3, 7, 1, 3}, {1, 1, 0, 0}}).value(), 0);
  EXPECT_EQ(d_prime({{1, 1, 3}, {1, 1, 0}}), std::nullopt);
}

TEST(Verification, AThinnedCurveKeepsItsEndsAndSpansItsSteps) {
  const ScoredPairs pairs = random_pairs(5, 20000, 0);
  const std::vector<OperatingPoint> roc = roc_curve(pairs);
  const std::vector<OperatingPoint> few = thinned(roc, 100);
  EXPECT_LE(few.size(), 100u);
  EXPECT_GE(few.size(), 50u);
  EXPECT_EQ(few.front().threshold, roc.front().threshold);
  EXPECT_EQ(few.back().threshold, roc.back().threshold);
  size_t found = 0;
  for (const OperatingPoint& point : few) {
    while (found < roc.size() && roc[found].threshold != point.threshold) ++found;
    ASSERT_LT(found, roc.size()) << "no point of the curve, or out of order";
    EXPECT_EQ(roc[found].far, point.far);
  }
  // Straight lines between the points stay near the curve, at its foot as well.
  for (const double far : {1e-3, 1e-2, 0.1, 0.5}) {
    EXPECT_NEAR(tar_at_far(few, far).tar, tar_at_far(roc, far).tar, 0.04) << far;
  }
  EXPECT_EQ(thinned(roc, 2).size(), 2u);
  EXPECT_EQ(thinned(roc, roc.size()).size(), roc.size());
}

TEST(Verification, ACurveOfOnePairEachCanBeThinned) {
  const std::vector<OperatingPoint> roc = roc_curve({{1, 2}, {1, 0}});
  ASSERT_EQ(roc.size(), 3u);
  EXPECT_EQ(thinned(roc, 2).size(), 2u);
}

void expect_pairs_refused(const ScoredPairs& pairs, ErrorKind kind, const std::string& words) {
  for (const bool curve : {true, false}) {
    try {
      if (curve) {
        roc_curve(pairs);
      } else {
        at_threshold(pairs, 0.5);
      }
      ADD_FAILURE() << "accepted, though: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }
}

TEST(Verification, RefusesWhatCannotBeMeasured) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  expect_pairs_refused({{0.1f, nan}, {1, 0}}, ErrorKind::numeric, "pair 1 is nan");
  expect_pairs_refused({{infinity, 0.2f}, {1, 0}}, ErrorKind::numeric, "pair 0 is inf");
  expect_pairs_refused({{0.1f, 0.2f}, {0, 0}}, ErrorKind::bad_data, "no genuine pair");
  expect_pairs_refused({{0.1f, 0.2f}, {1, 1}}, ErrorKind::bad_data, "no impostor pair");
  expect_pairs_refused({}, ErrorKind::bad_data, "no genuine pair");
  expect_pairs_refused({{0.1f, 0.2f}, {1}}, ErrorKind::mismatch, "2 distances for 1 labels");
}

}  // namespace
}  // namespace doppel::internal
