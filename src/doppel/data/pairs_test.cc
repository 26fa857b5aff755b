#include "doppel/data/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

// A data set of empty images, `counts[i]` of identity i.
Dataset shaped(const std::vector<size_t>& counts) {
  Dataset dataset;
  dataset.source = "test";
  for (size_t i = 0; i < counts.size(); ++i) {
    dataset.identities.push_back(
        {std::string("s").append(std::to_string(i + 1)), dataset.images.size(), counts[i]});
    for (size_t j = 0; j < counts[i]; ++j) {
      dataset.images.emplace_back();
      dataset.image_names.push_back("x");
      dataset.identity_of.push_back(static_cast<uint32_t>(i));
    }
  }
  return dataset;
}

Dataset att_shaped() { return shaped(std::vector<size_t>(40, 10)); }

size_t index_in_identity(const Dataset& dataset, uint32_t image) {
  return image - dataset.identities[dataset.identity_of[image]].first;
}

// Every pair keeps the law of its kind, genuine ones first, `per_kind` of each.
void check_labels(const Dataset& dataset, const PairSet& set, size_t per_kind) {
  ASSERT_EQ(set.pairs.size(), 2 * per_kind);
  for (size_t k = 0; k < set.pairs.size(); ++k) {
    const Pair& pair = set.pairs[k];
    ASSERT_LT(pair.a, dataset.images.size());
    ASSERT_LT(pair.b, dataset.images.size());
    ASSERT_NE(pair.a, pair.b);
    ASSERT_EQ(pair.genuine, k < per_kind);
    ASSERT_EQ(pair.genuine, dataset.identity_of[pair.a] == dataset.identity_of[pair.b]);
  }
}

TEST(Pairs, TheTutorialsCounts) {
  const Dataset dataset = att_shaped();
  const PairSet set = draw_pairs(dataset, 10000, 1);
  check_labels(dataset, set, 10000);
  std::map<uint32_t, int> genuine;
  std::map<size_t, int> impostor;
  std::map<uint32_t, int> impostor_identities;
  for (const Pair& pair : set.pairs) {
    if (pair.genuine) {
      ++genuine[dataset.identity_of[pair.a]];
      continue;
    }
    const size_t j = index_in_identity(dataset, pair.a);
    ASSERT_EQ(j, index_in_identity(dataset, pair.b));
    ++impostor[j];
    ++impostor_identities[dataset.identity_of[pair.a]];
    ++impostor_identities[dataset.identity_of[pair.b]];
  }
  ASSERT_EQ(genuine.size(), 40u);
  for (const auto& [identity, count] : genuine) EXPECT_EQ(count, 250) << identity;
  ASSERT_EQ(impostor.size(), 10u);
  for (const auto& [index, count] : impostor) EXPECT_EQ(count, 1000) << index;
  for (const auto& [identity, count] : impostor_identities) {
    EXPECT_NEAR(count, 500, 110) << identity;  // 5 standard deviations
  }
  EXPECT_THAT(set.method, HasSubstr("250 pairs of two different images for each of 40"));
  EXPECT_THAT(set.method, HasSubstr("1000 rounds over the 10 image indices"));
}

TEST(Pairs, GenuinePairsReachEveryOrderedCoupleAlike) {
  const Dataset dataset = shaped({3, 3});
  const PairSet set = draw_pairs(dataset, 12000, 5);
  std::map<std::pair<uint32_t, uint32_t>, int> count;
  for (const Pair& pair : set.pairs) {
    if (pair.genuine) ++count[{pair.a, pair.b}];
  }
  ASSERT_EQ(count.size(), 12u);
  for (const auto& [couple, times] : count) EXPECT_NEAR(times, 1000, 140);
}

TEST(Pairs, RemaindersAreSpreadWithoutRepetition) {
  const Dataset dataset = shaped(std::vector<size_t>(7, 4));
  for (const size_t per_kind : {1u, 3u, 7u, 30u, 31u, 33u}) {
    const PairSet set = draw_pairs(dataset, per_kind, 2);
    check_labels(dataset, set, per_kind);
    std::vector<size_t> genuine(7, 0), impostor(4, 0);
    for (const Pair& pair : set.pairs) {
      if (pair.genuine) {
        ++genuine[dataset.identity_of[pair.a]];
      } else {
        EXPECT_EQ(index_in_identity(dataset, pair.a), index_in_identity(dataset, pair.b));
        ++impostor[index_in_identity(dataset, pair.a)];
      }
    }
    for (const auto& counts : {genuine, impostor}) {
      const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
      EXPECT_EQ(*least, per_kind / counts.size());
      EXPECT_EQ(*most, (per_kind + counts.size() - 1) / counts.size());
    }
  }
  EXPECT_THAT(draw_pairs(dataset, 31, 2).method, HasSubstr("one more for 3 of them"));
  EXPECT_THAT(draw_pairs(dataset, 31, 2).method, HasSubstr("a last round over 3 indices"));
}

TEST(Pairs, UnequalIdentitiesCountAlikeNotTheirImages) {
  const Dataset dataset = shaped({2, 1, 20, 5});
  const PairSet set = draw_pairs(dataset, 30000, 3);
  check_labels(dataset, set, 30000);
  std::vector<int> genuine(4, 0), impostor(4, 0), images(28, 0);
  for (const Pair& pair : set.pairs) {
    if (pair.genuine) {
      ++genuine[dataset.identity_of[pair.a]];
    } else {
      ++impostor[dataset.identity_of[pair.a]];
      ++impostor[dataset.identity_of[pair.b]];
      ++images[pair.a];
      ++images[pair.b];
    }
  }
  EXPECT_EQ(genuine[1], 0);
  for (const size_t i : {0u, 2u, 3u}) EXPECT_NEAR(genuine[i], 10000, 400);
  for (const int count : impostor) EXPECT_NEAR(count, 15000, 450);
  for (size_t image = 3; image < 23; ++image) EXPECT_NEAR(images[image], 750, 130);
  EXPECT_THAT(set.method, HasSubstr("different numbers of images"));
  EXPECT_THAT(set.method, HasSubstr("out of the 3 with at least two"));
}

TEST(Pairs, TheSeedDecides) {
  for (const Dataset& dataset : {att_shaped(), shaped({3, 4, 5})}) {
    EXPECT_EQ(draw_pairs(dataset, 500, 7).pairs, draw_pairs(dataset, 500, 7).pairs);
    EXPECT_NE(draw_pairs(dataset, 500, 7).pairs, draw_pairs(dataset, 500, 8).pairs);
  }
}

TEST(Pairs, RefusesWhatHasNone) {
  EXPECT_THROW(draw_pairs(shaped({1, 1, 1}), 10, 1), Error);
  EXPECT_THROW(draw_pairs(shaped({5}), 10, 1), Error);
  EXPECT_THROW(draw_pairs(shaped({}), 10, 1), Error);
  EXPECT_THROW(draw_pairs(att_shaped(), 0, 1), Error);
  EXPECT_THROW(draw_pairs(att_shaped(), 200'000'000, 1), Error);
  EXPECT_NO_THROW(draw_pairs(shaped({1, 2}), 10, 1));
}

auto as_tuple(const Pair& pair) { return std::tuple(pair.a, pair.b, pair.genuine); }

TEST(Split, SizesAndContent) {
  const std::vector<Pair> pairs = draw_pairs(att_shaped(), 10000, 1).pairs;
  const PairSplit split = split_pairs(pairs, 1);
  EXPECT_EQ(split.train.size(), 11250u);
  EXPECT_EQ(split.validation.size(), 3750u);
  EXPECT_EQ(split.test.size(), 5000u);
  // Nothing lost, nothing twice, and the kinds well mixed.
  std::multiset<std::tuple<uint32_t, uint32_t, bool>> before, after;
  for (const Pair& pair : pairs) before.insert(as_tuple(pair));
  for (const auto* part : {&split.train, &split.validation, &split.test}) {
    for (const Pair& pair : *part) after.insert(as_tuple(pair));
  }
  EXPECT_EQ(before, after);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(split.test, true, &Pair::genuine)), 2500, 160);
  EXPECT_EQ(split_pairs(pairs, 1).test, split.test);
  EXPECT_NE(split_pairs(pairs, 2).test, split.test);
}

TEST(Split, PositionsAreDisjoint) {
  for (uint32_t n : {5u, 6u, 7u, 8u, 17u, 100u}) {
    std::vector<Pair> numbered(n);
    for (uint32_t i = 0; i < n; ++i) numbered[i].a = i;
    const PairSplit split = split_pairs(numbered, 9);
    std::set<uint32_t> seen;
    for (const auto* part : {&split.train, &split.validation, &split.test}) {
      EXPECT_FALSE(part->empty());
      for (const Pair& pair : *part) EXPECT_TRUE(seen.insert(pair.a).second);
    }
    EXPECT_EQ(seen.size(), n);
  }
  EXPECT_THROW(split_pairs(std::vector<Pair>(4), 9), Error);
}

TEST(SeenInTraining, IsWhatBruteForceFinds) {
  const PairSplit split = split_pairs(draw_pairs(shaped({4, 4, 4, 4, 4}), 60, 3).pairs, 3);
  double tested[2] = {0, 0}, seen[2] = {0, 0};
  for (const Pair& test : split.test) {
    ++tested[test.genuine];
    seen[test.genuine] += std::ranges::any_of(split.train, [&](const Pair& pair) {
      return (pair.a == test.a && pair.b == test.b) || (pair.a == test.b && pair.b == test.a);
    });
  }
  const Overlap overlap = seen_in_training(split);
  EXPECT_EQ(overlap.genuine, seen[1] / tested[1]);
  EXPECT_EQ(overlap.impostor, seen[0] / tested[0]);
  EXPECT_GT(overlap.genuine, 0);
  EXPECT_LT(overlap.impostor, 1);
}

TEST(SeenInTraining, CountsEitherOrderAndTheTrainingPartOnly) {
  PairSplit split;
  split.train = {{1, 2, true}};
  split.validation = {{3, 4, true}};
  split.test = {{2, 1, true}, {3, 4, true}};
  EXPECT_EQ(seen_in_training(split).genuine, 0.5);
  EXPECT_EQ(seen_in_training(split).impostor, 0);
}

// 5,625 draws of 1,800 possible genuine pairs miss one of them with probability (1-1/1800)^5625 =
// 4.4 %; of 7,800 impostor pairs 48.6 %.
TEST(SeenInTraining, OnAttShapedData) {
  const Overlap overlap =
      seen_in_training(split_pairs(draw_pairs(att_shaped(), 10000, 1).pairs, 1));
  EXPECT_NEAR(overlap.genuine, 0.956, 0.02);
  EXPECT_NEAR(overlap.impostor, 0.514, 0.04);
}

TEST(AllPairs, EveryUnorderedPairOnce) {
  const Dataset dataset = shaped({3, 1, 2});
  const std::vector<Pair> pairs = all_pairs(dataset);
  ASSERT_EQ(pairs.size(), 15u);
  EXPECT_EQ(std::ranges::count(pairs, true, &Pair::genuine), 3 + 0 + 1);
  std::set<std::pair<uint32_t, uint32_t>> seen;
  for (const Pair& pair : pairs) {
    EXPECT_LT(pair.a, pair.b);
    EXPECT_TRUE(seen.insert({pair.a, pair.b}).second);
    EXPECT_EQ(pair.genuine, dataset.identity_of[pair.a] == dataset.identity_of[pair.b]);
  }
  EXPECT_TRUE(all_pairs(shaped({})).empty());
  EXPECT_TRUE(all_pairs(shaped({1})).empty());
  EXPECT_EQ(all_pairs(att_shaped()).size(), 79800u);
  EXPECT_THROW(all_pairs(shaped({10000, 7000})), Error);
}

}  // namespace
}  // namespace doppel::internal
