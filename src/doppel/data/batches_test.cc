#include "doppel/data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

// counts[i] images of identity 10 i + 3.
std::vector<uint32_t> identities(const std::vector<size_t>& counts) {
  std::vector<uint32_t> identity_of;
  for (size_t i = 0; i < counts.size(); ++i) {
    identity_of.insert(identity_of.end(), counts[i], static_cast<uint32_t>(10 * i + 3));
  }
  return identity_of;
}

template <typename T>
bool all_different(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() == values.size();
}

TEST(Rounds, EveryRoundHasEveryNumberOnceAndNoGroupHasOneTwice) {
  for (size_t count : {1u, 2u, 3u, 5u, 7u, 8u, 12u, 30u, 100u}) {
    for (size_t group : {1u, 2u, 3u, 4u, 5u, 6u, 8u, 24u, 96u}) {
      Rounds rounds(5, 0, count, group);
      std::vector<uint32_t> sequence;
      for (size_t i = 0; i < 2 * count * group; ++i) sequence.push_back(rounds.at(i));
      const auto part = [&](size_t begin, size_t size) {
        const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(begin);
        return std::vector<uint32_t>(first, first + static_cast<std::ptrdiff_t>(size));
      };
      for (size_t r = 0; r < 2 * group; ++r) {
        ASSERT_TRUE(all_different(part(r * count, count))) << count << " " << group << " " << r;
        ASSERT_LT(*std::max_element(sequence.begin(), sequence.end()), count);
      }
      if (count >= group) {
        for (size_t g = 0; g < 2 * count; ++g) {
          ASSERT_TRUE(all_different(part(g * group, group))) << count << " " << group << " " << g;
        }
      }
    }
  }
}

TEST(Rounds, AnyPositionCanBeAskedFirst) {
  for (size_t count : {1u, 5u, 7u, 13u, 40u}) {
    for (size_t group : {1u, 3u, 5u, 6u, 16u}) {
      for (uint32_t stream : {0u, 9u}) {
        Rounds forward(7, stream, count, group);
        std::vector<uint32_t> sequence;
        for (size_t i = 0; i < 300; ++i) sequence.push_back(forward.at(i));
        for (size_t i = 300; i-- > 0;) {
          ASSERT_EQ(Rounds(7, stream, count, group).at(i), sequence[i]) << count << " " << group;
          ASSERT_EQ(forward.at(i), sequence[i]) << count << " " << group;
        }
      }
    }
  }
}

TEST(Rounds, OrdersAreUniform) {
  // The second of a group that begins in the round before: each of 4 numbers equally often.
  std::map<uint32_t, int> first;
  for (uint64_t seed = 0; seed < 4000; ++seed) ++first[Rounds(seed, 0, 4, 3).at(4)];
  for (uint32_t number = 0; number < 4; ++number) EXPECT_NEAR(first[number], 1000, 110) << number;
}

TEST(Rounds, StreamsAndSeedsDiffer) {
  const auto start = [](uint64_t seed, uint32_t stream) {
    Rounds rounds(seed, stream, 1000, 10);
    std::vector<uint32_t> numbers;
    for (size_t i = 0; i < 10; ++i) numbers.push_back(rounds.at(i));
    return numbers;
  };
  std::set<std::vector<uint32_t>> starts;
  for (uint64_t seed : {1u, 2u, 3u}) {
    for (uint32_t stream : {0u, 1u, 2u, 500u}) starts.insert(start(seed, stream));
  }
  EXPECT_EQ(starts.size(), 12u);
}

TEST(BatchPlan, PlainBatchesRunThroughAllImages) {
  BatchPlan plan(identities({10, 3, 17}), {8, 0}, 3);
  std::map<uint32_t, int> seen;
  for (size_t step = 0; step < 15; ++step) {  // four times 30 images
    const std::vector<uint32_t> batch = plan.batch(step);
    ASSERT_EQ(batch.size(), 8u);
    EXPECT_TRUE(all_different(batch));
    for (uint32_t image : batch) ++seen[image];
  }
  EXPECT_EQ(seen.size(), 30u);
  for (const auto& [image, times] : seen) EXPECT_EQ(times, 4) << image;
}

TEST(BatchPlan, IdentitiesWithSeveralImagesEach) {
  const std::vector<uint32_t> identity_of = identities({4, 9, 3, 5, 4, 12, 3});
  BatchPlan plan(identity_of, {12, 3}, 1);
  std::map<uint32_t, int> visits, images;
  for (size_t step = 0; step < 7 * 60; ++step) {
    const std::vector<uint32_t> batch = plan.batch(step);
    ASSERT_EQ(batch.size(), 12u);
    ASSERT_TRUE(all_different(batch)) << step;
    std::vector<uint32_t> of_batch;
    for (size_t i = 0; i < 12; i += 3) {
      for (size_t k = 0; k < 3; ++k) {
        ASSERT_EQ(identity_of[batch[i + k]], identity_of[batch[i]]);
        ++images[batch[i + k]];
      }
      of_batch.push_back(identity_of[batch[i]]);
      ++visits[of_batch.back()];
    }
    ASSERT_TRUE(all_different(of_batch)) << step;
  }
  for (const auto& [identity, times] : visits) EXPECT_EQ(times, 240) << identity;
  // 240 visits show 720 images of an identity, each of its images equally often.
  for (uint32_t image = 0; image < identity_of.size(); ++image) {
    const auto count = std::count(identity_of.begin(), identity_of.end(), identity_of[image]);
    EXPECT_EQ(images[image], 720 / count) << image;
  }
}

TEST(BatchPlan, IdentitiesWithTooFewImagesRepeatThem) {
  const std::vector<uint32_t> identity_of = identities({1, 2, 8});
  BatchPlan plan(identity_of, {12, 4}, 1);
  for (size_t step = 0; step < 20; ++step) {
    std::map<uint32_t, int> images;
    for (uint32_t image : plan.batch(step)) ++images[image];
    EXPECT_EQ(images[0], 4);
    EXPECT_EQ(images[1], 2);
    EXPECT_EQ(images[2], 2);
    EXPECT_EQ(images.size(), 3u + 4u);
  }
}

TEST(BatchPlan, TinyDataSetsFillABatch) {
  BatchPlan one(identities({1}), {4, 2}, 1);
  EXPECT_EQ(one.batch(0), std::vector<uint32_t>(4, 0));
  EXPECT_EQ(one.batch(9), std::vector<uint32_t>(4, 0));
  BatchPlan plain(identities({2, 1}), {7, 0}, 1);
  std::map<uint32_t, int> seen;
  for (size_t step = 0; step < 3; ++step) {
    for (uint32_t image : plain.batch(step)) ++seen[image];
  }
  EXPECT_EQ(seen, (std::map<uint32_t, int>{{0, 7}, {1, 7}, {2, 7}}));
}

TEST(BatchPlan, ABatchIsAFunctionOfSeedAndStep) {
  const std::vector<uint32_t> identity_of = identities({4, 9, 1, 5, 4, 12, 3});
  for (const BatchSettings& settings : {BatchSettings{12, 3}, {10, 5}, {10, 0}, {50, 0}, {9, 1}}) {
    BatchPlan plan(identity_of, settings, 5), other(identity_of, settings, 6);
    std::vector<std::vector<uint32_t>> batches;
    for (size_t step = 0; step < 40; ++step) batches.push_back(plan.batch(step));
    EXPECT_TRUE(all_different(batches));
    EXPECT_NE(other.batch(0), batches[0]);
    for (size_t step : {39u, 0u, 17u, 18u, 3u}) {
      EXPECT_EQ(plan.batch(step), batches[step]);
      EXPECT_EQ(BatchPlan(identity_of, settings, 5).batch(step), batches[step]);
    }
  }
}

TEST(BatchPlan, RefusesWhatMakesNoSense) {
  const std::vector<uint32_t> identity_of = identities({2, 2});
  EXPECT_THROW(BatchPlan(identity_of, {0, 0}, 1), Error);
  EXPECT_THROW(BatchPlan(identity_of, {65537, 0}, 1), Error);
  EXPECT_THROW(BatchPlan(identity_of, {10, 4}, 1), Error);
  EXPECT_THROW(BatchPlan(identity_of, {2, 4}, 1), Error);
  EXPECT_THROW(BatchPlan({}, {4, 2}, 1), Error);
}

}  // namespace
}  // namespace doppel::internal
