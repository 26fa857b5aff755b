#include "doppel/pipeline/calibrated_training.h"

#include <gmock/gmock.h>

#include <set>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

Recipe quick(const std::string& name) {
  const std::vector<std::string> changes =
      name == "tutorial"
          ? std::vector<std::string>{"training.epochs=1", "pairs.per_kind=50"}
          : std::vector<std::string>{"training.steps=4", "training.members=1", "batch.size=16"};
  return find_recipe(name, changes);
}

TEST(HoldOut, NobodyIsInBothParts) {
  const Dataset people = synthetic_dataset(30, 2, 1);
  const TrainingParts parts = hold_out(people, quick("faces"), std::nullopt, 7);
  EXPECT_EQ(parts.share, 0.2);
  ASSERT_TRUE(parts.held_out);
  EXPECT_EQ(parts.held_out->identities.size(), 6u);
  EXPECT_EQ(parts.training.identities.size(), 24u);
  std::set<std::string> names;
  for (const Dataset* part : {&parts.training, &*parts.held_out}) {
    for (const Identity& identity : part->identities) names.insert(identity.name);
  }
  EXPECT_EQ(names.size(), 30u);
  EXPECT_EQ(parts.everybody, remember(people));
}

TEST(HoldOut, KeepsNobodyOfFewPeopleAndOfPairs) {
  const TrainingParts few = hold_out(synthetic_dataset(14, 2, 1), quick("faces"), {}, 7);
  EXPECT_FALSE(few.held_out);
  EXPECT_GT(few.share, 0) << "but was to";
  const TrainingParts pairs = hold_out(synthetic_dataset(30, 2, 1), quick("tutorial"), {}, 7);
  EXPECT_FALSE(pairs.held_out);
  EXPECT_EQ(pairs.share, 0);
  EXPECT_TRUE(hold_out(synthetic_dataset(30, 2, 1), quick("tutorial"), 0.3, 7).held_out);
  EXPECT_THROW(hold_out(synthetic_dataset(30, 2, 1), quick("faces"), 0.7, 7), Error);
}

TEST(TrainCalibrated, TheThresholdIsOfThoseHeldOutAndEverybodyIsRemembered) {
  const Dataset people = synthetic_dataset(20, 3, 1);
  const Recipe recipe = quick("faces");
  ThreadPool pool(2);
  const TrainingParts parts = hold_out(people, recipe, std::nullopt, 7);
  const CalibratedModel made = train_calibrated(parts, recipe, 7, 0.05, pool);
  ASSERT_TRUE(made.trained.finished);
  const Model& model = made.trained.model;
  EXPECT_EQ(model.threshold.value().identities, parts.held_out->identities.size());
  EXPECT_EQ(model.threshold->value, calibrate(model, *parts.held_out, 0.05, pool).threshold.value);
  EXPECT_EQ(model.training.seen, remember(people));
  EXPECT_EQ(model.training.identities, parts.training.identities.size());
  EXPECT_EQ(made.calibration->threshold.value, model.threshold->value);
}

TEST(TrainCalibrated, WithoutPeopleHeldOutThereIsNoThreshold) {
  const Dataset people = synthetic_dataset(8, 2, 1);
  const Recipe recipe = quick("faces");
  ThreadPool pool(2);
  const CalibratedModel made =
      train_calibrated(hold_out(people, recipe, {}, 7), recipe, 7, 0.01, pool);
  EXPECT_FALSE(made.calibration);
  EXPECT_FALSE(made.trained.model.threshold);
  EXPECT_EQ(made.trained.model.training.seen, remember(people));
}

TEST(TrainCalibrated, AStoppedOneIsNotCalibrated) {
  const Dataset people = synthetic_dataset(20, 2, 1);
  const Recipe recipe = quick("faces");
  ThreadPool pool(2);
  TrainingHooks hooks;
  hooks.stop = [] { return true; };
  const CalibratedModel made =
      train_calibrated(hold_out(people, recipe, {}, 7), recipe, 7, 0.01, pool, hooks);
  EXPECT_FALSE(made.trained.finished);
  EXPECT_FALSE(made.calibration);
}

}  // namespace
}  // namespace doppel::internal
