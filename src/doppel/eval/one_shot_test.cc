#include "doppel/eval/one_shot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {
namespace {

Matrix column(const std::vector<float>& values) {
  Matrix matrix(values.size(), 1);
  matrix.values = values;
  return matrix;
}

// Person p has the rows p*images .. p*images+images-1; all distances in a table, the nearest
// reference by a plain scan (no ties in random data).
double brute_force(const Matrix& embeddings, size_t people, size_t images) {
  double sum = 0;
  for (size_t j = 0; j < images; ++j) {
    size_t right = 0, trials = 0;
    for (size_t probe = 0; probe < people * images; ++probe) {
      if (probe % images == j) continue;
      size_t best = 0;
      double nearest = std::numeric_limits<double>::infinity();
      for (size_t p = 0; p < people; ++p) {
        const double d = squared_euclidean(embeddings.row(probe), embeddings.row(p * images + j));
        if (d < nearest) {
          nearest = d;
          best = p;
        }
      }
      right += best == probe / images;
      ++trials;
    }
    sum += static_cast<double>(right) / static_cast<double>(trials);
  }
  return sum / static_cast<double>(images);
}

TEST(OneShot, AgreesWithBruteForce) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const size_t people = 2 + seed, images = 2 + seed % 4;
    Random random(seed, Purpose::sample);
    Matrix embeddings(people * images, 3);
    std::vector<uint32_t> identity_of;
    for (size_t i = 0; i < embeddings.rows; ++i) {
      const uint32_t person = static_cast<uint32_t>(i / images);
      identity_of.push_back(1000 - person);  // any numbers name people
      for (float& value : embeddings.row(i)) {
        value = static_cast<float>(0.3 * person + random.normal());
      }
    }
    const OneShot result = one_shot(embeddings, identity_of);
    EXPECT_NEAR(result.accuracy, brute_force(embeddings, people, images), 1e-12) << seed;
    EXPECT_EQ(result.ways, people);
    EXPECT_EQ(result.fewest_ways, people);
    EXPECT_EQ(result.trials, people * images * (images - 1));
  }
}

TEST(OneShot, SmallCaseByHand) {
  // Person 7 at 0 and 4, person 8 at 5 and 6. References 0, 5: probe 4 goes to 5 (wrong), probe 6
  // to 5 (right). References 4, 6: probe 0 to 4 (right), probe 5 as near to 4 as to 6 (one half).
  const std::vector<uint32_t> identity_of = {7, 7, 8, 8};
  const OneShot result = one_shot(column({0, 4, 5, 6}), identity_of);
  EXPECT_DOUBLE_EQ(result.accuracy, 2.5 / 4);
  EXPECT_EQ(result.trials, 4u);
}

TEST(OneShot, ImagesOfOnePersonNeedNotStandTogether) {
  const std::vector<uint32_t> identity_of = {7, 8, 7, 8};
  EXPECT_DOUBLE_EQ(one_shot(column({0, 5, 4, 6}), identity_of).accuracy, 2.5 / 4);
}

TEST(OneShot, ACollapsedEmbeddingScoresChance) {
  const std::vector<uint32_t> identity_of = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4};
  const OneShot result = one_shot(Matrix(10, 8), identity_of);
  EXPECT_NEAR(result.accuracy, 0.2, 1e-12);
}

TEST(OneShot, PeopleWithFewerImagesSitOutTheLaterRounds) {
  // Person 0 has three images, 1 has two, 2 has one. Round 0: three references, probes 1, 2 of
  // person 0 and 1 of person 1. Round 1: references of 0 and 1, two probes of 0 and one of 1.
  // Round 2 would have person 0 alone.
  const std::vector<uint32_t> identity_of = {0, 0, 0, 1, 1, 2};
  const OneShot result = one_shot(column({0, 1, 2, 10, 11, 100}), identity_of);
  EXPECT_EQ(result.trials, 6u);
  EXPECT_EQ(result.ways, 3u);
  EXPECT_EQ(result.fewest_ways, 2u);
  EXPECT_EQ(result.accuracy, 1);
  // The lone image close to a probe makes that one probe wrong, in round 0 only.
  EXPECT_DOUBLE_EQ(one_shot(column({0, 1, 2, 10, 11, 2.5f}), identity_of).accuracy, 5.0 / 6);
}

void expect_one_shot_refused(const Matrix& embeddings, const std::vector<uint32_t>& identity_of,
                             ErrorKind kind, const std::string& words) {
  try {
    one_shot(embeddings, identity_of);
    ADD_FAILURE() << "accepted, though: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

TEST(OneShot, RefusesWhatCannotBeMeasured) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_one_shot_refused(column({0, 1, 2}), {0, 0}, ErrorKind::mismatch,
                          "3 embeddings for 2 images");
  expect_one_shot_refused(column({0, 1, nan, 3}), {0, 0, 1, 1}, ErrorKind::numeric,
                          "image 2 holds nan");
  expect_one_shot_refused(column({0, 1, 2}), {4, 4, 4}, ErrorKind::bad_data,
                          "not 1 with at most 3");
  expect_one_shot_refused(column({0, 1, 2}), {4, 5, 6}, ErrorKind::bad_data,
                          "not 3 with at most 1");
  expect_one_shot_refused(Matrix(), {}, ErrorKind::bad_data, "not 0 with at most 0");
}

}  // namespace
}  // namespace doppel::internal
