#include "doppel/eval/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "doppel/base/random.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/model/embedding.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

struct DrawnPeople {
  ScoredPairs pairs;
  std::vector<PairPersons> persons;
};

// Persons are points of a normal law, their images normal about them: all pairs of them.
DrawnPeople draw_people(Random& random, uint32_t count, uint32_t images) {
  constexpr size_t kColumns = 8;
  std::vector<std::array<double, kColumns>> points;
  for (uint32_t person = 0; person < count; ++person) {
    std::array<double, kColumns> centre;
    for (double& value : centre) value = random.normal();
    for (uint32_t image = 0; image < images; ++image) {
      points.push_back(centre);
      for (double& value : points.back()) value += 0.4 * random.normal();
    }
  }
  DrawnPeople people;
  for (uint32_t a = 0; a < points.size(); ++a) {
    for (uint32_t b = a + 1; b < points.size(); ++b) {
      double square = 0;
      for (size_t k = 0; k < kColumns; ++k) {
        square += (points[a][k] - points[b][k]) * (points[a][k] - points[b][k]);
      }
      people.pairs.distance.push_back(static_cast<float>(std::sqrt(square)));
      people.pairs.genuine.push_back(a / images == b / images);
      people.persons.push_back({a / images, b / images});
    }
  }
  return people;
}

double far_at(const ScoredPairs& pairs, double threshold) {
  const ThresholdCounts counts = at_threshold(pairs, threshold);
  return static_cast<double>(counts.false_accepts) /
         static_cast<double>(counts.false_accepts + counts.true_rejects);
}

// What the interval promises: thresholds chosen on other and other people, their FAR measured on
// many strangers.
TEST(Calibration, TheFarAmongStrangersLiesInTheIntervalAsOftenAsItSays) {
  Random random(1, Purpose::sample);
  const DrawnPeople strangers = draw_people(random, 250, 2);
  ThreadPool pool(2);
  for (const auto& [count, far] : {std::pair(10u, 0.1), {20u, 0.01}, {20u, 0.1}, {30u, 0.01}}) {
    constexpr int kRepetitions = 150;
    int inside = 0;
    double mean = 0;
    for (int i = 0; i < kRepetitions; ++i) {
      const DrawnPeople people = draw_people(random, count, 4);
      const Threshold threshold =
          calibrate(people.pairs, people.persons, far, {300, static_cast<uint64_t>(i)}, pool);
      const double achieved = far_at(strangers.pairs, threshold.value);
      inside += threshold.lower <= achieved && achieved <= threshold.upper;
      mean += achieved / kRepetitions;
      EXPECT_LE(threshold.lower, far);
      EXPECT_GE(threshold.upper, far);
    }
    EXPECT_GE(inside, 0.90 * kRepetitions) << count << " people, FAR " << far;
    EXPECT_LE(inside, 0.995 * kRepetitions) << "so wide that it says nothing";
    EXPECT_NEAR(mean, far, 0.3 * far);
  }
}

TEST(Calibration, SmallCaseByHand) {
  // Nine impostor distances 1 .. 9, all of different persons; genuine ones at 0.5, 2.4 and 2.6.
  ScoredPairs pairs;
  std::vector<PairPersons> persons;
  for (uint32_t i = 1; i <= 9; ++i) {
    pairs.distance.push_back(static_cast<float>(10 - i));
    pairs.genuine.push_back(0);
    persons.push_back({2 * i, 2 * i + 1});
  }
  for (const float distance : {0.5f, 2.4f, 2.6f}) {
    pairs.distance.push_back(distance);
    pairs.genuine.push_back(1);
    persons.push_back({40, 40});
  }
  ThreadPool pool(1);
  const Threshold threshold = calibrate(pairs, persons, 0.25, {100, 1}, pool);
  EXPECT_DOUBLE_EQ(threshold.value, 2.5);  // rank 0.25 * 10
  EXPECT_EQ(threshold.genuine, 3u);
  EXPECT_EQ(threshold.impostor, 9u);
  EXPECT_EQ(threshold.identities, 19u);
  EXPECT_DOUBLE_EQ(threshold.tar, 2.0 / 3);
  ASSERT_EQ(threshold.impostor_distances.size(), kDistanceQuantiles);
  EXPECT_DOUBLE_EQ(threshold.impostor_distances[0], 1);
  EXPECT_DOUBLE_EQ(threshold.impostor_distances[50], 5);
  EXPECT_DOUBLE_EQ(threshold.impostor_distances[100], 9);
  EXPECT_FLOAT_EQ(static_cast<float>(threshold.genuine_distances[25]), 1.45f);
  EXPECT_DOUBLE_EQ(calibrate(pairs, persons, 0.1, {100, 1}, pool).value, 1);
  EXPECT_DOUBLE_EQ(calibrate(pairs, persons, 0.9, {100, 1}, pool).value, 9);
}

TEST(Calibration, TheCurveGoesThroughTheThresholdAndOn) {
  Random random(4, Purpose::sample);
  const DrawnPeople people = draw_people(random, 12, 4);
  ThreadPool pool(2);
  for (const double far : {0.01, 0.03, 0.1}) {
    const Threshold threshold = calibrate(people.pairs, people.persons, far, {100, 1}, pool);
    EXPECT_EQ(threshold_from_json(to_json(threshold), "m"), threshold) << far;
    EXPECT_EQ(point_at(threshold.curve, far).distance, threshold.value);
    EXPECT_NEAR(far_at(threshold.curve, threshold.value), far, 1e-12);
    for (const FarPoint& point : threshold.curve.points) {
      if (point.far < 0.1 || point.far > 0.5) continue;
      EXPECT_NEAR(far_at(people.pairs, point.distance), point.far, 0.005);
      EXPECT_LE(point.lower, point.far);
      EXPECT_GE(point.upper, point.far);
    }
    EXPECT_LT(threshold.curve.points.front().far, 2e-9);
    EXPECT_LT(threshold.curve.points.front().distance, threshold.value);
    EXPECT_GT(threshold.curve.points.front().distance, 0);
  }
}

// What the extrapolation promises: a FAR a hundred times rarer than the pairs can show, measured on
// many strangers, lies in its interval nearly always, and is not far above what it says on average.
TEST(Calibration, ARareFarAmongStrangersLiesInItsInterval) {
  Random random(5, Purpose::sample);
  const DrawnPeople strangers = draw_people(random, 350, 2);
  ThreadPool pool(2);
  constexpr int kRepetitions = 60;
  constexpr double kRare = 1e-4;
  int inside = 0;
  double mean = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    const DrawnPeople people = draw_people(random, 20, 3);  // 1,710 impostor pairs
    const Threshold threshold =
        calibrate(people.pairs, people.persons, 0.01, {200, static_cast<uint64_t>(i)}, pool);
    const FarPoint point = point_at(threshold.curve, kRare);
    const double achieved = far_at(strangers.pairs, point.distance);
    inside += point.lower <= achieved && achieved <= point.upper;
    mean += achieved / kRepetitions;
  }
  EXPECT_GE(inside, 0.8 * kRepetitions);
  EXPECT_LE(mean, 5 * kRare);
  EXPECT_GE(mean, kRare / 5);
}

TEST(Calibration, DoesNotDependOnThreads) {
  Random random(2, Purpose::sample);
  const DrawnPeople people = draw_people(random, 8, 3);
  ThreadPool one(1), three(3);
  EXPECT_EQ(calibrate(people.pairs, people.persons, 0.05, {100, 3}, one),
            calibrate(people.pairs, people.persons, 0.05, {100, 3}, three));
}

TEST(Calibration, RefusesARateThatThePairsCannotTell) {
  Random random(3, Purpose::sample);
  const DrawnPeople people = draw_people(random, 4, 2);  // 24 impostor pairs
  ThreadPool pool(1);
  const auto refused = [&](double far, ErrorKind kind, const std::string& words) {
    try {
      calibrate(people.pairs, people.persons, far, {10, 1}, pool);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  };
  calibrate(people.pairs, people.persons, 0.05, {10, 1}, pool);
  refused(0.01, ErrorKind::bad_data, "needs at least 99 pairs of different persons");
  refused(0.01, ErrorKind::bad_data, "there are 24");
  refused(0.99, ErrorKind::bad_data, "needs at least 99 pairs of different persons");
  for (const double far : {0.0, 1.0, -0.1, std::numeric_limits<double>::quiet_NaN()}) {
    refused(far, ErrorKind::bad_argument, "far: a rate between 0 and 1 was expected");
  }
}

TEST(HeldOut, IsAShareOfThePeopleDrawnBySeed) {
  const Dataset forty = synthetic_dataset(40, 2, 1);
  const std::vector<size_t> chosen = held_out_identities(forty, 0.2, 1);
  EXPECT_EQ(chosen.size(), 8u);
  EXPECT_TRUE(std::ranges::is_sorted(chosen));
  EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), 8u);
  EXPECT_LT(chosen.back(), 40u);
  EXPECT_EQ(held_out_identities(forty, 0.2, 1), chosen);
  EXPECT_NE(held_out_identities(forty, 0.2, 2), chosen);
  EXPECT_EQ(held_out_identities(forty, 0.01, 1).size(), 5u);
  EXPECT_TRUE(held_out_identities(forty, 0, 1).empty());
  EXPECT_TRUE(held_out_identities(synthetic_dataset(14, 2, 1), 0.5, 1).empty());
  EXPECT_EQ(held_out_identities(synthetic_dataset(15, 2, 1), 0.2, 1).size(), 5u);
  Dataset many;
  many.identities.resize(2000);
  EXPECT_EQ(held_out_identities(many, 0.2, 1).size(), 100u);
  for (double share : {-0.1, 0.6, std::nan("")}) {
    EXPECT_THROW(held_out_identities(forty, share, 1), Error);
  }
}

TEST(HeldOut, HasSomebodyWithTwoImages) {
  Dataset people;
  people.identities.resize(50);
  for (size_t i = 0; i < 50; ++i) people.identities[i].count = i == 17 ? 2 : 1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_THAT(held_out_identities(people, 0.1, seed), testing::Contains(17u)) << seed;
  }
}

// A model whose embedding is the picture.
TEST(Calibration, OfAModelOnStrangers) {
  ThreadPool pool(2);
  Model model;
  model.preprocessing = {23, 28, 1};
  twins(model).network = {{1, 28, 23}, {Flatten{}}};
  twins(model).members = {{}};
  const Dataset strangers = synthetic_dataset(6, 4, 3);
  const Calibration calibration = calibrate(model, strangers, 0.05, pool);
  EXPECT_TRUE(calibration.resolved);
  EXPECT_EQ(calibration.threshold.far, 0.05);
  EXPECT_EQ(calibration.threshold.identities, 6u);
  EXPECT_EQ(calibration.threshold.genuine, 36u);
  EXPECT_EQ(calibration.threshold.impostor, 240u);
  const ScoredPairs scored = score_pairs(
      all_distances(embed_images(model, strangers.images, pool), pool), strangers.identity_of);
  EXPECT_NEAR(far_at(scored, calibration.threshold.value), 0.05, 1.0 / 240);
  EXPECT_EQ(calibration.verification.eer, measure_verification(scored).eer);
  ASSERT_TRUE(calibration.threshold.photos);
  EXPECT_EQ(calibration.threshold.photos->people, 6u);
  EXPECT_EQ(calibration.threshold.photos->embedding.size(), embedding_size(model));
  EXPECT_GT(calibration.threshold.photos->looks[2].deviation, 0);
  // What 240 pairs cannot tell: the smallest rate they can.
  const Calibration rare = calibrate(model, strangers, 1e-4, pool);
  EXPECT_FALSE(rare.resolved);
  EXPECT_DOUBLE_EQ(rare.threshold.far, 1.0 / 240);
  EXPECT_LE(far_at(scored, rare.threshold.value), 1.0 / 240);
}

}  // namespace
}  // namespace doppel::internal
