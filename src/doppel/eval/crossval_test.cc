#include "doppel/eval/crossval.h"

#include <gtest/gtest.h>

#include <set>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/eval/seen.h"

namespace doppel::internal {
namespace {

Recipe quick() {
  return find_recipe("tutorial",
                     std::vector<std::string>{"pairs.per_kind=200", "training.epochs=2"});
}

TEST(CrossValidation, SummaryIsMeanAndDeviation) {
  const std::vector<UnseenMeasures> folds = {{0.1, 1, 0, 0.5}, {0.3, 1, 0, 0.7}};
  const MeasureSummary summary = summarise(folds);
  EXPECT_NEAR(summary.mean.eer, 0.2, 1e-12);
  EXPECT_NEAR(summary.spread.eer, 0.2 / std::sqrt(2), 1e-12);
  EXPECT_NEAR(summary.mean.one_shot, 0.6, 1e-12);
  EXPECT_EQ(summary.spread.auc, 0);
  EXPECT_EQ(summarise(std::span(folds).first(1)).spread.eer, 0);
}

TEST(CrossValidation, EveryIdentityIsTestedOnceAndFiguresAreThoseOfTheirFold) {
  ThreadPool pool(2);
  const Dataset people = synthetic_dataset(12, 4, 1);
  size_t begun = 0, ended = 0;
  CrossValidationHooks hooks;
  hooks.begin = [&](size_t fold, size_t folds) {
    EXPECT_EQ(fold, begun++);
    EXPECT_EQ(folds, 3u);
  };
  hooks.end = [&](const FoldResult& fold) { EXPECT_EQ(fold.fold, ended++); };
  // The model remembers whom it has seen: nobody of those it is tested on.
  hooks.tested = [&](const FoldResult& fold, const Model& model, const Dataset& test) {
    EXPECT_EQ(ended, fold.fold + 1);
    ASSERT_EQ(test.identities.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(test.identities[i].name, fold.test_identities[i]);
    }
    EXPECT_EQ(model.training.identities, 8u);
    EXPECT_TRUE(seen_overlap(model.training.seen, test).empty());
  };
  const CrossValidation result = cross_validate(people, quick(), {3, 1}, pool, hooks);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(begun, 3u);
  EXPECT_EQ(ended, 3u);
  std::multiset<std::string> tested;
  for (const FoldResult& fold : result.folds) {
    tested.insert(fold.test_identities.begin(), fold.test_identities.end());
    EXPECT_EQ(fold.genuine, 4u * 6);
    EXPECT_EQ(fold.impostor, 16u * 15 / 2 - 24);
    EXPECT_EQ(fold.ways, 4u);
    EXPECT_GT(fold.pixels.auc, 0.5);
  }
  EXPECT_EQ(tested.size(), 12u);
  EXPECT_EQ(std::set(tested.begin(), tested.end()).size(), 12u);
  EXPECT_NEAR(
      result.pixels.mean.eer,
      (result.folds[0].pixels.eer + result.folds[1].pixels.eer + result.folds[2].pixels.eer) / 3,
      1e-12);
}

TEST(CrossValidation, SeedsRepeatItAndTheMeanIsOverFoldsAndSeeds) {
  ThreadPool pool(2);
  const Dataset people = synthetic_dataset(6, 3, 1);
  const CrossValidation both = cross_validate(people, quick(), {2, 5, 2}, pool);
  ASSERT_EQ(both.folds.size(), 4u);
  double sum = 0;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(both.folds[i].fold, i % 2);
    EXPECT_EQ(both.folds[i].seed, 5 + i / 2);
    EXPECT_EQ(both.folds[i].pixels.eer, both.folds[i % 2].pixels.eer);
    sum += both.folds[i].network.auc;
  }
  EXPECT_NEAR(both.network.mean.auc, sum / 4, 1e-12);
  const CrossValidation second = cross_validate(people, quick(), {2, 6, 1}, pool);
  for (size_t f = 0; f < 2; ++f) {
    EXPECT_EQ(second.folds[f].network.auc, both.folds[2 + f].network.auc);
  }
  EXPECT_EQ(both.pixels.mean.eer, second.pixels.mean.eer);
  EXPECT_EQ(both.pixels.spread.eer, second.pixels.spread.eer);
  EXPECT_THROW(cross_validate(people, quick(), {2, 5, 0}, pool), Error);
}

// What happens to the test people's pictures must not change the network of their fold: the losses
// of training are the same to the bit.
TEST(CrossValidation, TestPeopleDoNotInfluenceTraining) {
  ThreadPool pool(1);
  Dataset people = synthetic_dataset(6, 3, 1);
  const auto losses_of_first_fold = [&] {
    std::vector<double> losses;
    size_t fold = 0;
    CrossValidationHooks hooks;
    hooks.begin = [&](size_t f, size_t) { fold = f; };
    hooks.training.epoch = [&](const EpochReport& report) {
      if (fold == 0) {
        losses.push_back(report.losses.loss);
        losses.push_back(report.losses.validation_loss.value());
      }
    };
    cross_validate(people, quick(), {3, 1}, pool, hooks);
    return losses;
  };
  const auto before = losses_of_first_fold();
  ASSERT_EQ(before.size(), 4u);
  for (size_t i = 0; i < 6; ++i) {  // the images of the first two identities, the first fold's
    for (float& value : people.images[i].pixels) value = 1 - value;
  }
  EXPECT_EQ(losses_of_first_fold(), before);
}

TEST(CrossValidation, IsStoppedByItsHooks) {
  ThreadPool pool(1);
  CrossValidationHooks hooks;
  hooks.training.stop = [] { return true; };
  const CrossValidation result =
      cross_validate(synthetic_dataset(6, 3, 1), quick(), {3, 1}, pool, hooks);
  EXPECT_FALSE(result.finished);
  EXPECT_TRUE(result.folds.empty());
}

TEST(CrossValidation, ImpossibleFoldsAreRefused) {
  ThreadPool pool(1);
  EXPECT_THROW(cross_validate(synthetic_dataset(6, 3, 1), quick(), {4, 1}, pool), Error);
  EXPECT_THROW(cross_validate(synthetic_dataset(6, 3, 1), quick(), {1, 1}, pool), Error);
}

}  // namespace
}  // namespace doppel::internal
