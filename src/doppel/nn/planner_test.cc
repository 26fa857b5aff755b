// Which layers run as one stage; what stages compute is tested through the engine.
#include "doppel/nn/planner.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

size_t stages_of(const Network& network) { return plan_stages(network).size(); }

TEST(Stages, TheTutorialsFourteenLayersAreFour) {
  const Network tutorial{
      {1, 56, 46},
      {Conv{6, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{12, 3}, Relu{}, MaxPool{2},
       Dropout{0.25}, Flatten{}, Dense{128}, Relu{}, Dropout{0.1}, Dense{50}, Relu{}}};
  const auto stages = plan_stages(tutorial);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[0].stage->out_size(), 6u * 27 * 22);
  EXPECT_EQ(stages[1].stage->out_size(), 1440u);
  EXPECT_EQ(stages[2].stage->out_size(), 128u);
  EXPECT_EQ(stages[3].stage->out_size(), 50u);
  EXPECT_FALSE(stages[1].stage->wants_several_tiles());
  EXPECT_TRUE(stages[2].stage->wants_several_tiles());
}

TEST(Stages, OnlyWhatTheFusedKernelComputesIsFused) {
  EXPECT_EQ(stages_of({{1, 12, 12}, {Conv{2, 3}, Relu{}, MaxPool{2}}}), 1u);
  EXPECT_EQ(stages_of({{1, 12, 12}, {Conv{2, 5}, Relu{}, MaxPool{2}}}), 2u);
  EXPECT_EQ(stages_of({{8, 12, 12}, {Conv{2, 3}, Relu{}, MaxPool{2}}}), 2u);
  EXPECT_EQ(stages_of({{1, 12, 12}, {Conv{2, 3}, Relu{}, MaxPool{3}}}), 3u);
  EXPECT_EQ(stages_of({{1, 12, 12}, {Conv{2, 3}, MaxPool{2}, Relu{}}}), 3u);
  EXPECT_EQ(stages_of({{8, 1, 1}, {Dense{4}, Dropout{0.5}, Relu{}}}), 2u);
  EXPECT_EQ(stages_of({{8, 2, 2}, {Flatten{}}}), 0u);
}

}  // namespace
}  // namespace doppel::internal
