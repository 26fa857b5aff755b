#include "doppel/eval/identification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Images on a line: the distance is that of two numbers.
ImageDistance on_a_line(const std::vector<double>& at) {
  return [at](size_t a, size_t b) { return std::abs(at[a] - at[b]); };
}

struct Images {
  std::vector<uint32_t> identity_of;
  std::vector<double> at;
};

// Persons of 1 .. most images, mixed up; whole numbers, so that ties are common.
Images random_images(uint32_t seed, uint32_t persons, uint32_t most) {
  Random random(seed, Purpose::sample);
  Images images;
  for (uint32_t person = 0; person < persons; ++person) {
    for (uint32_t n = person == 0 ? most : 1 + random.below(most); n > 0; --n) {
      images.identity_of.push_back(person * 3 + 1);
    }
  }
  random.shuffle(std::span(images.identity_of));
  for (const uint32_t identity : images.identity_of) {
    images.at.push_back(std::round(identity * 2 + 5 * random.normal()));
  }
  return images;
}

// The definition, counted rank by rank.
double rate_by_definition(const Images& images, size_t rank, size_t shots, bool mean) {
  std::map<uint32_t, std::vector<size_t>> people;
  for (size_t i = 0; i < images.at.size(); ++i) people[images.identity_of[i]].push_back(i);
  double hits = 0, trials = 0;
  for (size_t round = 0; round < images.at.size(); ++round) {
    std::map<uint32_t, std::set<size_t>> references;
    for (const auto& [person, own] : people) {
      if (own.size() <= round || own.size() < shots) continue;
      for (size_t k = 0; k < shots; ++k) references[person].insert(own[(round + k) % own.size()]);
    }
    if (references.size() < 2) continue;
    for (const auto& [person, set] : references) {
      for (const size_t probe : people[person]) {
        if (set.contains(probe)) continue;
        std::vector<double> others;
        double own = 0;
        for (const auto& [other, gallery] : references) {
          double least = kInfinity, sum = 0;
          for (const size_t g : gallery) {
            least = std::min(least, std::abs(images.at[probe] - images.at[g]));
            sum += std::abs(images.at[probe] - images.at[g]);
          }
          const double d = mean ? sum / static_cast<double>(shots) : least;
          if (other == person) {
            own = d;
          } else {
            others.push_back(d);
          }
        }
        // The own person anywhere among those level with it.
        const auto nearer = std::ranges::count_if(others, [&](double d) { return d < own; });
        const auto level = std::ranges::count(others, own);
        double ways = 0;
        for (auto place = nearer; place <= nearer + level; ++place) {
          ways += place < static_cast<std::ptrdiff_t>(rank);
        }
        hits += ways / static_cast<double>(level + 1);
        trials += 1;
      }
    }
  }
  return hits / trials;
}

TEST(Identification, AgreesWithItsDefinitionByBruteForce) {
  ThreadPool one(1), three(3);
  for (uint32_t seed = 0; seed < 21; ++seed) {
    const Images images = random_images(seed, 2 + seed % 7, 4 + seed % 3);
    for (const size_t shots : {1u, 2u, 3u}) {
      for (const Fusion fusion : {Fusion::nearest, Fusion::mean}) {
        Identification result;
        try {
          result = identify(images.identity_of, on_a_line(images.at), {shots, fusion}, one);
        } catch (const Error&) {
          EXPECT_LT(seed % 7, 4u) << "too few images are likely with few persons only";
          continue;
        }
        ASSERT_EQ(result.rate_at_rank.size(), result.ways);
        for (size_t rank = 1; rank <= result.ways; ++rank) {
          EXPECT_NEAR(result.rate_at_rank[rank - 1],
                      rate_by_definition(images, rank, shots, fusion == Fusion::mean), 1e-12);
        }
        EXPECT_NEAR(result.rate_at_rank.back(), 1, 1e-12);
        double right = 0;
        size_t trials = 0;
        for (size_t i = 0; i < result.persons.size(); ++i) {
          right += result.right[i];
          trials += result.trials_of[i];
        }
        EXPECT_EQ(trials, result.trials);
        EXPECT_NEAR(right / static_cast<double>(trials), result.rate_at_rank[0], 1e-12);
        EXPECT_EQ(
            identify(images.identity_of, on_a_line(images.at), {shots, fusion}, three).rate_at_rank,
            result.rate_at_rank);
      }
    }
  }
}

TEST(Identification, SmallCaseByHand) {
  // Person 7 at 0, 1, 9 and person 2 at 10, 11, 12; one shot. Probe 9 errs in all rounds in which
  // it is one; in the round in which it is the reference, 0 and 1 are nearer to it than to 12.
  ThreadPool pool(1);
  const std::vector<uint32_t> identity_of = {7, 7, 7, 2, 2, 2};
  const ImageDistance distance = on_a_line({0, 1, 9, 10, 11, 12});
  const Identification one = identify(identity_of, distance, {}, pool);
  EXPECT_EQ(one.trials, 12u);
  EXPECT_THAT(one.persons, ElementsAre(2, 7));
  EXPECT_THAT(one.trials_of, ElementsAre(6, 6));
  // Person 2 against reference 9: 10 is 1 from it and 2 from its own, 11 is 2 and 1.
  EXPECT_THAT(one.right, ElementsAre(5, 4));
  EXPECT_THAT(one.rate_at_rank, ElementsAre(DoubleEq(0.75), 1));
  // Two shots: {0, 1}, {1, 9}, {9, 0} against {10, 11}, {11, 12}, {12, 10}.
  EXPECT_THAT(identify(identity_of, distance, {2, Fusion::nearest}, pool).right,
              ElementsAre(2.5, 2));
  EXPECT_THAT(identify(identity_of, distance, {2, Fusion::mean}, pool).right, ElementsAre(3, 2));
}

TEST(Identification, AnEmbeddingThatTellsNothingApartScoresChance) {
  ThreadPool pool(1);
  const std::vector<uint32_t> identity_of = {0, 0, 1, 1, 2, 2, 3, 3};
  const Identification result = identify(
      identity_of, [](size_t, size_t) { return 1.0; }, {}, pool);
  EXPECT_THAT(result.rate_at_rank,
              ElementsAre(DoubleEq(0.25), DoubleEq(0.5), DoubleEq(0.75), DoubleEq(1)));
}

TEST(Identification, NeedsTwoPersonsAndAProbe) {
  ThreadPool pool(1);
  const auto refused = [&](const std::vector<uint32_t>& identity_of, size_t shots) {
    EXPECT_THROW(
        identify(
            identity_of, [](size_t, size_t) { return 1.0; }, {shots, Fusion::nearest}, pool),
        Error);
  };
  refused({}, 1);
  refused({0, 0}, 1);
  refused({0, 1}, 1);
  refused({0, 0, 1, 1}, 2);
  refused({0, 0, 0, 1}, 2);
}

TEST(OpenSet, SmallCaseByHand) {
  ThreadPool pool(1);
  // Persons 0, 1, 2 at 0 .. 2, 10 .. 12, 5 .. 6. Pass 1 enrols 0 (at 0) and 2 (at 5), pass 2
  // enrols 1 (at 10).
  const std::vector<uint32_t> identity_of = {0, 0, 0, 1, 1, 1, 2, 2};
  const OpenSet searches =
      search_open_set(identity_of, on_a_line({0, 1, 4, 10, 11, 12, 5, 6}), {}, pool);
  EXPECT_THAT(searches.mated, ElementsAre(1, kInfinity, 1, 1, 2));
  EXPECT_THAT(searches.stranger, ElementsAre(5, 6, 7, 10, 9, 6, 5, 4));
  const OpenSetPoint at = open_set_at(searches, 5);  // 5 itself is not below
  EXPECT_EQ(at.fpir, 1.0 / 8);
  EXPECT_DOUBLE_EQ(at.fnir, 0.2);
  EXPECT_DOUBLE_EQ(open_set_at(searches, 1.5).fnir, 0.4);
  EXPECT_EQ(open_set_at(searches, 0).fnir, 1);

  const OpenSetPoint quarter = open_set_at_fpir(searches, 0.4);
  EXPECT_EQ(quarter.fpir, 3.0 / 8);
  EXPECT_EQ(quarter.threshold, 5.5);
  EXPECT_TRUE(quarter.resolved);
  const OpenSetPoint none = open_set_at_fpir(searches, 0.01);
  EXPECT_EQ(none.fpir, 0);
  EXPECT_EQ(none.threshold, 4);
  EXPECT_DOUBLE_EQ(none.fnir, 0.2);
  EXPECT_FALSE(none.resolved);
}

TEST(OpenSet, EveryPointOfTheCurveIsMadeByItsThreshold) {
  ThreadPool one(1), three(3);
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Images images = random_images(seed, 8, 5);
    const ImageDistance distance = on_a_line(images.at);
    const Enrolment enrolment{1 + seed % 2, seed % 3 == 0 ? Fusion::mean : Fusion::nearest};
    const OpenSet searches = search_open_set(images.identity_of, distance, enrolment, one);
    EXPECT_EQ(searches.mated,
              search_open_set(images.identity_of, distance, enrolment, three).mated);
    EXPECT_GT(searches.people, 0u);
    EXPECT_LE(searches.people, 4u) << "half of eight";
    const std::vector<OpenSetPoint> curve = open_set_curve(searches);
    EXPECT_EQ(curve.front().fnir, 1);
    EXPECT_EQ(curve.back().fpir, 1);
    for (const OpenSetPoint& point : curve) {
      const OpenSetPoint expected = open_set_at(searches, point.threshold);
      EXPECT_DOUBLE_EQ(point.fpir, expected.fpir);
      EXPECT_DOUBLE_EQ(point.fnir, expected.fnir);
    }
  }
}

TEST(OpenSet, AnEmbeddingThatTellsNothingApartFindsNobody) {
  ThreadPool pool(1);
  const std::vector<uint32_t> identity_of = {0, 0, 1, 1, 2, 2, 3, 3};
  const OpenSet searches = search_open_set(
      identity_of, [](size_t, size_t) { return 1.0; }, {}, pool);
  EXPECT_EQ(open_set_at(searches, 2).fnir, 1);
  EXPECT_EQ(open_set_at(searches, 2).fpir, 1);
}

TEST(OpenSet, NeedsSearchesOfBothKinds) {
  ThreadPool pool(1);
  const auto zero = [](size_t, size_t) { return 0.0; };
  EXPECT_THROW(search_open_set(std::vector<uint32_t>{0, 0, 0}, zero, {}, pool), Error);
  EXPECT_THROW(search_open_set(std::vector<uint32_t>{0, 1}, zero, {}, pool), Error);
  EXPECT_NO_THROW(search_open_set(std::vector<uint32_t>{0, 1, 1}, zero, {}, pool));
}

}  // namespace
}  // namespace doppel::internal
