#include "doppel/optim/average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;

TEST(WeightAverage, KnownValues) {
  WeightAverage average(2, 0.5);
  EXPECT_THAT(average.values(), ElementsAre(0, 0));
  average.update(std::vector<float>{0.3f, -7});
  EXPECT_THAT(average.values(), ElementsAre(0.3f, -7));
  average.update(std::vector<float>{0.3f, 2});  // weights 1/3 and 2/3
  EXPECT_THAT(average.values(), ElementsAre(0.3f, testing::FloatNear(-1, 1e-6f)));
  average.update(std::vector<float>{0.3f, 13});  // 1/7, 2/7, 4/7
  EXPECT_THAT(average.values(), ElementsAre(0.3f, testing::FloatNear(7, 1e-5f)));
}

TEST(WeightAverage, IsTheWeightedSumOfAllUpdates) {
  const double decay = 0.99;
  WeightAverage average(1, decay);
  Random random(3, Purpose::sample);
  std::vector<double> seen;
  for (int t = 0; t < 500; ++t) {
    const float w = static_cast<float>(random.uniform(0, 1));
    seen.push_back(w);
    average.update({&w, 1});
    double sum = 0, weights = 0;
    for (size_t k = 0; k < seen.size(); ++k) {
      const double weight = std::pow(decay, static_cast<double>(seen.size() - 1 - k));
      sum += weight * seen[k];
      weights += weight;
    }
    ASSERT_NEAR(average.values()[0], sum / weights, 1e-6) << t;
  }
}

TEST(WeightAverage, WithoutDecayIsTheLast) {
  WeightAverage average(1, 0);
  for (float w : {1.0f, 5.0f, -2.0f}) {
    average.update({&w, 1});
    EXPECT_EQ(average.values()[0], w);
  }
}

TEST(WeightAverage, GoesOnFromASavedState) {
  WeightAverage whole(3, 0.9), resumed(3, 0.9);
  whole.update(std::vector<float>{1, 2, 3});
  whole.update(std::vector<float>{4, 5, 7});
  resumed.restore(whole.values(), whole.updates());
  const std::vector<float> next = {-1, 0.3f, 9};
  whole.update(next);
  resumed.update(next);
  EXPECT_EQ(std::vector<float>(whole.values().begin(), whole.values().end()),
            std::vector<float>(resumed.values().begin(), resumed.values().end()));
  EXPECT_EQ(resumed.updates(), 3u);
}

TEST(WeightAverage, RefusesWhatMakesNoSense) {
  EXPECT_THROW(WeightAverage(1, 1), Error);
  EXPECT_THROW(WeightAverage(1, -0.1), Error);
  EXPECT_THROW(WeightAverage(1, std::nan("")), Error);
  WeightAverage average(2, 0.9);
  EXPECT_THROW(average.update(std::vector<float>(3)), Error);
  EXPECT_THROW(average.restore(std::vector<float>(1), 1), Error);
}

}  // namespace
}  // namespace doppel::internal
