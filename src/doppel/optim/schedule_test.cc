#include "doppel/optim/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Schedule, ConstantIsOneAfterItsWarmUp) {
  const Schedule plain;
  for (size_t step : {0u, 1u, 9u}) EXPECT_EQ(plain.factor(step, 10), 1);
  const Schedule warm{ScheduleKind::constant, 0.3};
  const double expected[] = {0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1};
  for (size_t step = 0; step < 10; ++step) EXPECT_DOUBLE_EQ(warm.factor(step, 10), expected[step]);
}

TEST(Schedule, CosineFallsFromOne) {
  const Schedule plain{ScheduleKind::cosine, 0};
  EXPECT_EQ(plain.factor(0, 6), 1);
  EXPECT_NEAR(plain.factor(2, 6), 0.75, 1e-15);
  EXPECT_NEAR(plain.factor(3, 6), 0.5, 1e-15);
  EXPECT_NEAR(plain.factor(4, 6), 0.25, 1e-15);
  EXPECT_NEAR(plain.factor(5, 6), 0.0669872981077807, 1e-15);
  const Schedule warm{ScheduleKind::cosine, 0.25};
  EXPECT_NEAR(warm.factor(0, 8), 1.0 / 3, 1e-15);
  EXPECT_NEAR(warm.factor(1, 8), 2.0 / 3, 1e-15);
  EXPECT_NEAR(warm.factor(2, 8), 1, 1e-15);
  EXPECT_NEAR(warm.factor(5, 8), 0.5, 1e-15);
}

// torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=10), its formula worked out
// by hand: the peak at step 0.3 10 - 1 = 2, the last step at 1 / 25 / 1e4.
TEST(Schedule, OneCycleEqualsPyTorchs) {
  const Schedule schedule = Schedule::defaults(ScheduleKind::one_cycle);
  const double pi = std::acos(-1.0);
  EXPECT_NEAR(schedule.factor(0, 10), 0.04, 1e-15);
  EXPECT_NEAR(schedule.factor(1, 10), 0.52, 1e-15);
  EXPECT_NEAR(schedule.factor(2, 10), 1, 1e-15);
  EXPECT_NEAR(schedule.factor(3, 10), 4e-6 + (1 - 4e-6) * (1 + std::cos(pi / 7)) / 2, 1e-15);
  EXPECT_NEAR(schedule.factor(8, 10), 4e-6 + (1 - 4e-6) * 0.0495155660487905, 1e-14);
  EXPECT_NEAR(schedule.factor(9, 10), 4e-6, 1e-15);
  // 25 steps: the peak lies at step 6.5.
  EXPECT_NEAR(schedule.factor(6, 25), 1 - 0.48 * (1 + std::cos(pi * 6 / 6.5)), 1e-15);
  EXPECT_NEAR(schedule.factor(7, 25), 4e-6 + (1 - 4e-6) * (1 + std::cos(pi / 35)) / 2, 1e-15);
}

TEST(Schedule, StaysWithinZeroAndOne) {
  for (ScheduleKind kind :
       {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::one_cycle}) {
    for (double warm_up : {0.0, 0.1, 0.3, 0.5, 1.0}) {
      for (size_t steps : {1u, 2u, 3u, 4u, 10u, 20u, 101u}) {
        const Schedule schedule{kind, warm_up};
        double largest = 0;
        for (size_t step = 0; step < steps; ++step) {
          const double factor = schedule.factor(step, steps);
          ASSERT_GT(factor, 0) << to_string(kind) << warm_up << " " << step << "/" << steps;
          ASSERT_LE(factor, 1) << to_string(kind) << warm_up << " " << step << "/" << steps;
          largest = std::max(largest, factor);
        }
        if (steps > 100) {
          EXPECT_GT(largest, 0.99) << to_string(kind) << warm_up;
        }
      }
    }
  }
}

TEST(Schedule, Json) {
  for (ScheduleKind kind :
       {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::one_cycle}) {
    EXPECT_EQ(schedule_from_json({{"type", to_string(kind)}}), Schedule::defaults(kind));
    const Schedule schedule{kind, 0.125};
    EXPECT_EQ(schedule_from_json(schedule_to_json(schedule)), schedule);
  }
  EXPECT_EQ(schedule_to_json(Schedule::defaults(ScheduleKind::one_cycle)),
            json({{"type", "one_cycle"}, {"warm_up", 0.3}}));
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  const auto message = [](const json& json) -> std::string {
    try {
      schedule_from_json(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message("cosine"), HasSubstr("a JSON object was expected"));
  EXPECT_THAT(message({{"type", "steps"}}), HasSubstr("\"steps\""));
  EXPECT_THAT(message({{"type", "cosine"}, {"warmup", 0}}), HasSubstr("\"warmup\""));
  EXPECT_THAT(message({{"type", "cosine"}, {"warm_up", true}}), HasSubstr("\"warm_up\""));
  EXPECT_THAT(message({{"type", "cosine"}, {"warm_up", 1.5}}), HasSubstr("warm_up"));
  EXPECT_THROW((void)Schedule().factor(5, 5), Error);
  EXPECT_THROW((void)Schedule().factor(0, 0), Error);
}

}  // namespace
}  // namespace doppel::internal
