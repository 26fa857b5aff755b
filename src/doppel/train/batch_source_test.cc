#include "doppel/train/batch_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Row i holds the values 100 i, 100 i + 1, ..: a pointer to it tells which image it is.
Matrix numbered(size_t rows, size_t columns) {
  Matrix inputs(rows, columns);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < columns; ++k) inputs.row(i)[k] = static_cast<float>(100 * i + k);
  }
  return inputs;
}

size_t image_of(const float* input) { return static_cast<size_t>(*input) / 100; }

TEST(PairBatches, HaveTheFirstImagesThenTheSecondOnesAndTheirLabels) {
  const Matrix inputs = numbered(6, 2);
  const std::vector<Pair> pairs = {{0, 1, true}, {2, 5, false}, {4, 3, true}};
  PairBatches source(inputs, pairs, 3, 1);
  const TrainingBatch batch = source.batch(0);
  ASSERT_EQ(batch.images.size(), 6u);
  EXPECT_EQ(batch.examples, 3u);
  for (size_t i = 0; i < 3; ++i) {
    const auto a = static_cast<uint32_t>(image_of(batch.images[i]));
    const auto b = static_cast<uint32_t>(image_of(batch.images[3 + i]));
    const bool genuine = batch.labels[i] != 0;
    EXPECT_THAT(pairs, testing::Contains(Pair{a, b, genuine}));
    EXPECT_EQ(batch.labels[3 + i], batch.labels[i]);
  }
}

TEST(PairBatches, AnEpochShowsEveryPairOnceAndTheLastBatchIsWhatIsLeft) {
  const Matrix inputs = numbered(20, 1);
  std::vector<Pair> pairs;
  for (uint32_t i = 0; i < 10; ++i) pairs.push_back({i, 10 + i, i % 2 == 0});
  PairBatches source(inputs, pairs, 4, 3);
  EXPECT_EQ(source.batches_in_epoch(), 3u);
  EXPECT_EQ(source.examples_in_epoch(), 10u);
  std::vector<std::vector<size_t>> orders;
  for (size_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<size_t> order;
    for (size_t k = 0; k < 3; ++k) {
      const TrainingBatch batch = source.batch(3 * epoch + k);
      EXPECT_EQ(batch.examples, k < 2 ? 4u : 2u);
      for (size_t i = 0; i < batch.examples; ++i) order.push_back(image_of(batch.images[i]));
    }
    EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(), 10u);
    orders.push_back(order);
  }
  EXPECT_NE(orders[0], orders[1]);
}

TEST(PairBatches, AStepsBatchDoesNotDependOnTheStepsBefore) {
  const Matrix inputs = numbered(8, 1);
  const std::vector<Pair> pairs = {{0, 1, true}, {2, 3, true}, {4, 5, false}, {6, 7, false}};
  PairBatches straight(inputs, pairs, 2, 5), jumping(inputs, pairs, 2, 5);
  std::vector<std::vector<const float*>> expected;
  for (size_t step = 0; step < 6; ++step) expected.push_back(straight.batch(step).images);
  for (size_t step : {5u, 0u, 3u, 1u}) EXPECT_EQ(jumping.batch(step).images, expected[step]);
}

TEST(PairBatches, NoPairsAreRefused) {
  const Matrix inputs = numbered(2, 1);
  EXPECT_THROW(PairBatches(inputs, {}, 2, 1), Error);
}

class ImageBatchesTest : public testing::Test {
 protected:
  ImageBatches source(const AugmentSettings& augment, uint64_t seed = 1) const {
    return {inputs_, {4, 3}, identity_of_, {.size = 4, .per_identity = 2}, augment, 5, seed};
  }
  const Matrix inputs_ = numbered(9, 12);
  const std::vector<uint32_t> identity_of_ = {0, 0, 0, 1, 1, 1, 2, 2, 2};
};

TEST_F(ImageBatchesTest, WithoutAugmentationAreTheImagesThemselvesWithTheirIdentities) {
  ImageBatches plain = source({});
  EXPECT_EQ(plain.batches_in_epoch(), 5u);
  EXPECT_EQ(plain.examples_in_epoch(), 20u);
  for (size_t step = 0; step < 6; ++step) {
    const TrainingBatch batch = plain.batch(step);
    EXPECT_EQ(batch.examples, 4u);
    std::map<uint32_t, size_t> shown;
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(batch.labels[i], identity_of_[image_of(batch.images[i])]);
      ++shown[batch.labels[i]];
    }
    EXPECT_EQ(shown.size(), 2u);  // two identities, two images of each
  }
}

TEST_F(ImageBatchesTest, AugmentsEverySlotByTheSeedTheStepAndTheSlot) {
  AugmentSettings settings;
  settings.flip = 0.5;
  settings.offset = 1;
  ImageBatches one = source(settings), other = source(settings);
  const TrainingBatch batch = one.batch(2), plain = one.plain_batch(2);
  EXPECT_EQ(batch.labels, plain.labels);
  for (size_t i = 0; i < 4; ++i) {
    std::vector<float> expected(12);
    augment(settings, {4, 3}, {plain.images[i], 12}, expected,
            Random(1, Purpose::augment, 2, static_cast<uint16_t>(i)));
    EXPECT_EQ(std::vector<float>(batch.images[i], batch.images[i] + 12), expected);
    EXPECT_NE(expected, std::vector<float>(plain.images[i], plain.images[i] + 12));
  }
  other.batch(0);
  EXPECT_EQ(other.batch(2).made.values, batch.made.values);
  EXPECT_NE(other.batch(3).made.values, batch.made.values);
}

}  // namespace
}  // namespace doppel::internal
