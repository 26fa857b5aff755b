#include "doppel/eval/distances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"
#include "doppel/data/pairs.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {
namespace {

Matrix random_rows(size_t rows, size_t columns) {
  Random random(1, Purpose::sample);
  Matrix matrix(rows, columns);
  for (float& value : matrix.values) value = static_cast<float>(random.normal());
  return matrix;
}

TEST(Distances, HaveTheBitsOfTheEnergyAndTheOrderOfAllPairs) {
  ThreadPool one(1), three(3);
  for (const size_t n : {0u, 1u, 2u, 15u, 16u, 17u, 33u, 70u}) {
    for (const size_t d : {1u, 7u, 64u}) {
      const Matrix rows = random_rows(n, d);
      const Distances distances = all_distances(rows, one);
      ASSERT_EQ(distances.values.size(), n < 2 ? 0 : n * (n - 1) / 2);
      size_t next = 0;
      for (size_t a = 0; a < n; ++a) {
        EXPECT_EQ(distances(a, a), 0);
        for (size_t b = a + 1; b < n; ++b, ++next) {
          const auto expected = static_cast<float>(euclidean(rows.row(a), rows.row(b)));
          EXPECT_EQ(distances.values[next], expected);
          EXPECT_EQ(distances(a, b), expected);
          EXPECT_EQ(distances(b, a), expected);
        }
      }
      EXPECT_EQ(all_distances(rows, three).values, distances.values);
    }
  }
}

TEST(Distances, OfEveryEnergy) {
  ThreadPool pool(2);
  const Matrix rows = random_rows(19, 5);
  std::vector<Pair> pairs;
  for (uint32_t i = 0; i < 3000; ++i) pairs.push_back({i % 19, (i * 7 + 3) % 19, i % 2 == 0});
  for (const EnergyKind kind :
       {EnergyKind::euclidean, EnergyKind::squared_euclidean, EnergyKind::cosine,
        EnergyKind::manhattan, EnergyKind::weighted_l1}) {
    const Energy energy{kind, {-1, -2, -0.5f, -1, 0}, 2};
    const Distances distances = all_distances(rows, pool, energy);
    for (size_t a = 0; a < 19; ++a) {
      for (size_t b = a + 1; b < 19; ++b) {
        EXPECT_EQ(distances(a, b), static_cast<float>(energy_of(energy, rows.row(a), rows.row(b))));
      }
    }
    const ScoredPairs scored = score_pairs(rows, pairs, energy, pool);
    ASSERT_EQ(scored.distance.size(), pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_EQ(scored.distance[i],
                static_cast<float>(energy_of(energy, rows.row(pairs[i].a), rows.row(pairs[i].b))));
      EXPECT_EQ(scored.genuine[i], i % 2 == 0);
    }
  }
  EXPECT_THROW(score_pairs(rows, std::vector<Pair>{{0, 19, true}}, {}, pool), Error);
  EXPECT_THROW(all_distances(rows, pool, {EnergyKind::weighted_l1, {1, 2}, 0}), Error);
}

TEST(Distances, AreEuclideanAndKeepSmallDifferencesOfLargeValues) {
  Matrix embeddings(3, 2);
  embeddings.values = {0, 0, 3, 4, 16777214, 16777216};
  const std::vector<Pair> pairs = {{0, 1, true}, {1, 0, false}, {2, 2, true}, {0, 2, false}};
  ThreadPool pool(1);
  const ScoredPairs scored = score_pairs(embeddings, pairs, {}, pool);
  EXPECT_EQ(scored.distance, (std::vector<float>{5, 5, 0, std::hypot(16777214.0f, 16777216.0f)}));
  EXPECT_EQ(scored.genuine, (std::vector<uint8_t>{1, 0, 1, 0}));
  // In single precision the first thousand ones would vanish beside the large term.
  std::vector<float> a(1001, 1.0f), b(1001, 0.0f);
  a[0] = 16384;
  EXPECT_EQ(squared_euclidean(a, b), 16384.0 * 16384.0 + 1000);
}

TEST(Distances, RefuseAPairWithoutEmbedding) {
  const std::vector<Pair> pairs = {{0, 2, true}};
  try {
    ThreadPool pool(1);
    score_pairs(Matrix(2, 3), pairs, {}, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    EXPECT_THAT(error.what(), testing::HasSubstr("image 2 has no embedding, there are 2"));
  }
}

TEST(Distances, AllPairsAreScoredAsListedOnes) {
  Dataset people;
  people.identity_of = {4, 4, 2, 4, 2};
  people.images.resize(5);
  ThreadPool pool(1);
  const Matrix rows = random_rows(5, 3);
  const ScoredPairs scored = score_pairs(all_distances(rows, pool), people.identity_of);
  const ScoredPairs listed = score_pairs(rows, all_pairs(people), {}, pool);
  EXPECT_EQ(scored.distance, listed.distance);
  EXPECT_EQ(scored.genuine, listed.genuine);
}

TEST(Distances, RefuseTooManyImagesAndTheWrongPersons) {
  ThreadPool pool(1);
  try {
    all_distances(Matrix(20000, 0), pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("20000 images have more pairs than"));
  }
  EXPECT_THROW(score_pairs(all_distances(Matrix(3, 1), pool), std::vector<uint32_t>{1, 2}), Error);
}

}  // namespace
}  // namespace doppel::internal
