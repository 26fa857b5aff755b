#include "doppel/nn/pass_plan.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

// Four steps, of which the last is a segment by itself.
std::vector<Step> four_steps() {
  return {{Action::forward, 0, 0, 0},
          {Action::forward, 1, 0, 0},
          {Action::forward, 2, 0, 0},
          {Action::forward, 3, 0, 1}};
}

Lifetime alive(size_t size, size_t first, size_t last) {
  Lifetime life;
  life.size = size;
  life.use(last);
  life.use(first);
  return life;
}

TEST(PassPlan, ValuesShareABufferOneAfterTheOther) {
  const Placement placement =
      place({alive(5, 0, 0), alive(7, 0, 1), alive(9, 1, 2), alive(2, 2, 2)}, four_steps());
  ASSERT_EQ(placement.of.size(), 4u);
  for (const Placement::Value& value : placement.of) EXPECT_TRUE(value.inner);
  EXPECT_EQ(placement.of[0].buffer, placement.of[2].buffer);
  EXPECT_EQ(placement.of[1].buffer, placement.of[3].buffer);
  EXPECT_NE(placement.of[0].buffer, placement.of[1].buffer);
  EXPECT_EQ(placement.buffer_sizes, (std::vector<size_t>{9, 7}));
}

TEST(PassPlan, WhatOutlivesASegmentIsKeptOutside) {
  Lifetime read_after_all = alive(3, 0, 1);
  read_after_all.outer = true;
  const Placement placement =
      place({alive(4, 1, 3), read_after_all, Lifetime{}, alive(6, 3, 3)}, four_steps());
  EXPECT_FALSE(placement.of[0].inner);
  EXPECT_FALSE(placement.of[1].inner);
  EXPECT_FALSE(placement.of[2].inner);
  EXPECT_TRUE(placement.of[3].inner);
  EXPECT_EQ(placement.buffer_sizes, (std::vector<size_t>{6}));
}

}  // namespace
}  // namespace doppel::internal
