#include "doppel/eval/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

struct ScoredPeople {
  ScoredPairs pairs;
  std::vector<PairPersons> persons;
};

// All pairs of `images` images of each of `count` persons, numbered with gaps; coarse distances
// with many ties, or hardly any where levels = 0.
ScoredPeople random_people(uint32_t seed, uint32_t count, uint32_t images, double levels) {
  Random random(seed, Purpose::sample);
  ScoredPeople people;
  for (uint32_t a = 0; a < count * images; ++a) {
    for (uint32_t b = a + 1; b < count * images; ++b) {
      const uint32_t person_a = a / images, person_b = b / images;
      double distance = (person_a == person_b ? 0.35 : 0.5) + 0.1 * random.normal();
      if (levels > 0) distance = std::round(distance * levels) / levels;
      people.pairs.distance.push_back(static_cast<float>(distance));
      people.pairs.genuine.push_back(person_a == person_b);
      people.persons.push_back({7 * person_a, 7 * person_b});
    }
  }
  return people;
}

// The pairs of a draw, each written out as often as it counts.
ScoredPairs written_out(const ScoredPeople& people, const std::vector<uint32_t>& drawn) {
  ScoredPairs result;
  for (size_t i = 0; i < people.persons.size(); ++i) {
    const uint32_t a = drawn[people.persons[i].a / 7], b = drawn[people.persons[i].b / 7];
    const uint32_t times = people.pairs.genuine[i] ? a : a * b;
    result.distance.insert(result.distance.end(), times, people.pairs.distance[i]);
    result.genuine.insert(result.genuine.end(), times, people.pairs.genuine[i]);
  }
  return result;
}

TEST(Bootstrap, EachReplicateIsTheMeasureOfTheDrawnPeopleWrittenOut) {
  ThreadPool pool(1);
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const ScoredPeople people = random_people(seed, 3 + seed % 4, 2 + seed % 3, 20 * (seed % 2));
    Random random(seed, Purpose::bootstrap, 0);
    ScoredPairs expected;
    do {
      expected = written_out(people, draw_persons(3 + seed % 4, random));
    } while (std::ranges::count(expected.genuine, 0) == 0);
    const Verification figures = measure_verification(expected);
    const VerificationIntervals one =
        bootstrap_verification(people.pairs, people.persons, {1, seed}, pool);
    EXPECT_NEAR(one.eer.lower, figures.eer, 1e-12) << seed;
    EXPECT_EQ(one.eer.lower, one.eer.upper);
    EXPECT_NEAR(one.auc.lower, figures.auc, 1e-12) << seed;
    for (size_t level = 0; level < kFarLevels.size(); ++level) {
      EXPECT_NEAR(one.tar_at_far[level].lower, figures.tar_at_far[level].tar, 1e-12) << seed;
    }
  }
}

TEST(Bootstrap, IntervalsHoldTheFigureAndDependOnTheSeedAlone) {
  const ScoredPeople people = random_people(1, 12, 4, 0);
  ThreadPool one(1), three(3);
  const VerificationIntervals a =
      bootstrap_verification(people.pairs, people.persons, {200, 5}, one);
  const VerificationIntervals b =
      bootstrap_verification(people.pairs, people.persons, {200, 5}, three);
  const VerificationIntervals c =
      bootstrap_verification(people.pairs, people.persons, {200, 6}, one);
  EXPECT_EQ(a.eer, b.eer);
  EXPECT_EQ(a.auc, b.auc);
  EXPECT_EQ(a.tar_at_far, b.tar_at_far);
  EXPECT_NE(a.auc, c.auc);
  const Verification figures = measure_verification(people.pairs);
  EXPECT_LT(a.eer.lower, figures.eer);
  EXPECT_GT(a.eer.upper, figures.eer);
  EXPECT_LT(a.auc.lower, figures.auc);
  EXPECT_GT(a.auc.upper, figures.auc);
}

TEST(Bootstrap, PerfectSeparationHasNoSpread) {
  ScoredPeople people = random_people(1, 4, 3, 0);
  for (size_t i = 0; i < people.persons.size(); ++i) {
    people.pairs.distance[i] = people.pairs.genuine[i] ? 0.1f : 0.9f;
  }
  ThreadPool pool(1);
  const VerificationIntervals result =
      bootstrap_verification(people.pairs, people.persons, {100, 1}, pool);
  EXPECT_EQ(result.eer, (Interval{0, 0}));
  EXPECT_EQ(result.auc, (Interval{1, 1}));
  for (const Interval& tar : result.tar_at_far) EXPECT_EQ(tar, (Interval{1, 1}));
}

// Pairs of a list: most draws leave out one of the few persons, and are drawn again.
TEST(Bootstrap, TwoPairsAreEnough) {
  ThreadPool pool(1);
  const ScoredPairs pairs{{0.2f, 0.6f}, {1, 0}};
  const std::vector<PairPersons> persons = {{4, 4}, {2, 9}};
  EXPECT_EQ(bootstrap_verification(pairs, persons, {50, 1}, pool).eer, (Interval{0, 0}));
}

TEST(Bootstrap, RefusesPersonsThatContradictThePairs) {
  ThreadPool pool(1);
  const auto refused = [&](const std::vector<PairPersons>& persons, const std::string& words) {
    try {
      bootstrap_verification({{0.2f, 0.6f}, {1, 0}}, persons, {50, 1}, pool);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::mismatch);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  };
  refused({{0, 0}}, "2 distances for the persons of 1 pairs");
  refused({{0, 0}, {1, 1}}, "pair 1 is an impostor pair of one person");
  refused({{0, 1}, {1, 2}}, "pair 0 is a genuine pair of two");
}

TEST(Bootstrap, PersonsOfPairs) {
  const std::vector<uint32_t> identity_of = {5, 5, 8};
  const std::vector<Pair> pairs = {{0, 1, true}, {2, 0, false}};
  const std::vector<PairPersons> persons = persons_of(pairs, identity_of);
  EXPECT_EQ(persons[0].b, 5u);
  EXPECT_EQ(persons[1].a, 8u);
  EXPECT_EQ(persons[1].b, 5u);
  EXPECT_THROW(persons_of(std::vector<Pair>{{0, 3, false}}, identity_of), Error);
}

// One trial per person: the rate is a mean of n independent zeros and ones.
TEST(Bootstrap, RateHasTheWidthOfTheBinomialLaw) {
  constexpr size_t kPersons = 400;
  std::vector<double> right(kPersons, 0);
  for (size_t i = 0; i < kPersons / 4; ++i) right[i] = 1;
  ThreadPool pool(2);
  const Interval interval =
      bootstrap_rate(right, std::vector<size_t>(kPersons, 1), {4000, 1}, pool);
  const double half_width = 1.96 * std::sqrt(0.25 * 0.75 / kPersons);
  EXPECT_NEAR(interval.lower, 0.25 - half_width, 0.005);
  EXPECT_NEAR(interval.upper, 0.25 + half_width, 0.005);
}

TEST(Bootstrap, RateWithoutTrialsIsZero) {
  ThreadPool pool(1);
  EXPECT_EQ(bootstrap_rate(std::vector<double>{0}, std::vector<size_t>{0}, {10, 1}, pool),
            (Interval{0, 0}));
  EXPECT_THROW(bootstrap_rate(std::vector<double>{0}, {}, {10, 1}, pool), Error);
}

TEST(Quantile, InterpolatesBetweenRanks) {
  const std::vector<double> values = {1, 2, 4, 8};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 1), 8);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(values, 0.25), 1.75);
  EXPECT_EQ(percentile_interval({8, 1, 4, 2}, 0.5), (Interval{1.75, 5}));
}

}  // namespace
}  // namespace doppel::internal
