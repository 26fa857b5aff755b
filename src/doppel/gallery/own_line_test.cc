#include "doppel/gallery/own_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "doppel/base/random.h"

namespace doppel::internal {
namespace {

// People whose scores are independent of each other, each pair's normally distributed: what is
// true of a stranger can be computed.
ImpostorScores independent_people(size_t people, uint64_t seed) {
  Random random(seed, Purpose::sample);
  ImpostorScores scores;
  scores.people = people;
  for (size_t i = 0; i < people; ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t j = 1; j < people; ++j) {
      const double score = 1 + 0.1 * random.normal();
      nearest = std::min(nearest, score);
      scores.pairs.push_back({score, 1});
    }
    scores.searches.push_back({nearest, 1});
  }
  return scores;
}

double true_fpir(double threshold, size_t people) {
  const double far = std::erfc(-(threshold - 1) / 0.1 / std::sqrt(2.0)) / 2;
  return -std::expm1(static_cast<double>(people) * std::log1p(-far));
}

TEST(OwnLine, GivesStrangersTheWantedRate) {
  for (const size_t people : {size_t{8}, size_t{20}, size_t{50}, size_t{200}}) {
    double sum = 0;
    size_t inside = 0;
    constexpr uint64_t kDraws = 60;
    for (uint64_t seed = 0; seed < kDraws; ++seed) {
      const OwnLine line(independent_people(people, seed));
      const double fpir = true_fpir(line.threshold(0.01), people);
      sum += fpir / kDraws;
      const OwnLine::Interval interval = line.interval(0.01);
      inside += interval.lower <= fpir && fpir <= interval.upper ? 1 : 0;
    }
    EXPECT_GT(sum, 0.005) << people;
    EXPECT_LT(sum, people < 20 ? 0.04 : 0.02) << people;
    EXPECT_GE(inside, kDraws * 9 / 10) << people;
  }
}

TEST(OwnLine, TellsTheRateOfEveryScore) {
  const OwnLine line(independent_people(50, 1));
  double last = 0;
  for (const double fpir : {1e-6, 0.001, 0.01, 0.1, 0.5, 0.9}) {
    const double threshold = line.threshold(fpir);
    EXPECT_GT(threshold, last);
    EXPECT_NEAR(line.fpir(threshold), fpir, 1e-6 * fpir + 1e-12);
    last = threshold;
  }
  EXPECT_NEAR(line.fpir(-100), 0, 2e-9);
  EXPECT_NEAR(line.fpir(100), 1, 2e-9);
}

TEST(OwnLine, DoesNotDependOnTheOrderOfItsSearches) {
  ImpostorScores scores = independent_people(100, 2);
  const double threshold = OwnLine(scores).threshold(0.01);
  std::ranges::reverse(scores.searches);
  EXPECT_EQ(OwnLine(scores).threshold(0.01), threshold);
}

// Few people who are alike make the lower tail heavier than a normal distribution's.
TEST(OwnLine, PairsThatAreNearerThanOthersSayMakeItStricter) {
  ImpostorScores scores = independent_people(30, 6), alike = scores;
  for (size_t i = 0; i < alike.pairs.size(); i += 25) alike.pairs[i].nearest -= 0.15;
  EXPECT_LT(OwnLine(alike).threshold(0.01), OwnLine(scores).threshold(0.01) - 0.01);
}

TEST(OwnLine, APersonWithSeveralSearchesCountsOnce) {
  ImpostorScores once = independent_people(50, 3), often = once;
  for (size_t i = 0; i < 10; ++i) {
    const double nearest = often.searches[i].nearest;
    often.searches[i].weight = 0.25;
    for (int more = 0; more < 3; ++more) often.searches.push_back({nearest, 0.25});
  }
  EXPECT_NEAR(OwnLine(often).threshold(0.01), OwnLine(once).threshold(0.01), 0.01);
}

TEST(OwnLine, SaysHowLittleAFewPeopleTell) {
  const OwnLine few(independent_people(8, 4)), many(independent_people(400, 4));
  EXPECT_GT(few.interval(0.01).upper, 3 * many.interval(0.01).upper);
  EXPECT_LT(few.interval(0.01).lower, many.interval(0.01).lower);
  EXPECT_TRUE(few.extrapolated(0.01));
  EXPECT_FALSE(many.extrapolated(0.01));
  EXPECT_TRUE(many.extrapolated(0.001));
}

TEST(OwnLine, AFewWhoAreThereTwiceDoNotMoveWhatTellsThem) {
  std::vector<ImpostorScores::Search> searches = independent_people(100, 5).searches;
  const double clean = same_person_nearness(searches);
  for (size_t i = 0; i < 4; ++i) searches[10 * i].nearest = 0.1;
  EXPECT_NEAR(same_person_nearness(searches), clean, 0.05);
  EXPECT_GT(same_person_nearness(searches), 0.3);
}

TEST(OwnLine, TheStrengthGrowsWithTheGallery) {
  EXPECT_EQ(normalisation_strength(8), 0.5);
  EXPECT_EQ(normalisation_strength(100), 0.5);
  EXPECT_NEAR(normalisation_strength(245), 0.75, 0.001);
  EXPECT_EQ(normalisation_strength(600), 1);
  EXPECT_EQ(normalisation_strength(1'000'000), 1);
}

}  // namespace
}  // namespace doppel::internal
