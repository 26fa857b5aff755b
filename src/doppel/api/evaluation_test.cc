#include "doppel/evaluation.h"

#include <gmock/gmock.h>

#include "doppel/api/test_support.h"

namespace doppel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Recipe& quick_recipe() {
  static const Recipe recipe =
      Recipe::named("faces", {"training.steps=20", "training.members=1", "batch.size=32"});
  return recipe;
}

// A model of eight people, s1 to s8, and others with other names and pictures.
const Model& small_model() {
  static const Model model = train(Dataset::synthetic(8, 2, 1), quick_recipe(), {.seed = 7});
  return model;
}
Dataset others() {
  const Dataset all = Dataset::synthetic(30, 3, 2);
  std::vector<std::string> names;
  for (const std::string& name : all.people()) {
    if (name.size() == 3) names.push_back(name);  // s10 to s30
  }
  return all.select(names);
}

TEST(PublicEvaluation, MeasuresStrangers) {
  const Evaluation measured = evaluate(small_model(), others());
  EXPECT_EQ(measured.people, 21u);
  EXPECT_EQ(measured.photos, 63u);
  EXPECT_EQ(measured.genuine_pairs, 63u);
  EXPECT_EQ(measured.impostor_pairs, 63u * 62 / 2 - 63);
  EXPECT_TRUE(measured.far_1pct_resolved);
  for (const Estimate& figure :
       {measured.eer, measured.auc, measured.tar_at_far_1pct, measured.rank_1}) {
    EXPECT_LE(figure.lower, figure.value);
    EXPECT_GE(figure.upper, figure.value);
    EXPECT_GE(figure.lower, 0);
    EXPECT_LE(figure.upper, 1);
  }
  EXPECT_LT(measured.eer.value, 0.5);
  EXPECT_FALSE(measured.at_threshold) << "the model is not calibrated";
  EXPECT_TRUE(measured.seen_people.empty());
  EXPECT_TRUE(
      evaluate(calibrated(small_model(), Dataset::synthetic(9, 3, 3), {.allow_namesakes = true}),
               others())
          .at_threshold);
}

TEST(PublicEvaluation, WhomTheModelKnowsIsRefusedOrMarked) {
  const Dataset known = Dataset::synthetic(8, 2, 1);
  const Error refused = error_of([&] { evaluate(small_model(), known); });
  EXPECT_EQ(refused.kind(), ErrorKind::seen_people);
  EXPECT_THAT(refused.what(), HasSubstr("s1"));
  EXPECT_THAT(refused.what(), HasSubstr("EvaluateOptions::allow_seen"));
  EXPECT_THAT(refused.what(), testing::Not(HasSubstr("--")));
  EXPECT_EQ(evaluate(small_model(), known, {.allow_seen = true}).seen_people.size(), 8u);
  EXPECT_EQ(error_of([&] { open_set(small_model(), known); }).kind(), ErrorKind::seen_people);
  const Model decides =
      calibrated(small_model(), Dataset::synthetic(9, 3, 3), {.allow_namesakes = true});
  OpenSetOptions allowed;
  allowed.allow_seen = true;
  allowed.draws = 2;
  EXPECT_EQ(open_set(decides, known, allowed).seen_people.size(), 8u);
}

TEST(PublicEvaluation, EndsWhenItIsAskedTo) {
  std::stop_source source;
  source.request_stop();
  const auto stopped = [&] { evaluate(small_model(), others(), {.stop = source.get_token()}); };
  EXPECT_EQ(error_of(stopped).kind(), ErrorKind::cancelled);
}

TEST(PublicEvaluation, CrossValidationTestsEachFoldByTheOthers) {
  const Dataset people = Dataset::synthetic(9, 2, 1);
  CrossValidateOptions options;
  options.folds = 3;
  size_t trainings = 0;
  double done = 0;
  options.progress = [&](const CrossValidationProgress& progress) {
    trainings = std::max(trainings, progress.training + 1);
    EXPECT_EQ(progress.trainings, 3u);
    EXPECT_GT(progress.done, done);
    done = progress.done;
  };
  const CrossValidation result = cross_validate(people, quick_recipe(), options);
  EXPECT_EQ(trainings, 3u);
  EXPECT_DOUBLE_EQ(done, 1);
  ASSERT_EQ(result.folds.size(), 3u);
  EXPECT_THAT(result.folds[1].people, ElementsAre("s4", "s5", "s6"));
  EXPECT_NEAR(
      result.model.mean.eer,
      (result.folds[0].model.eer + result.folds[1].model.eer + result.folds[2].model.eer) / 3,
      1e-12);
  EXPECT_GT(result.nearest_pixels.mean.auc, 0);

  std::stop_source source;
  options.stop = source.get_token();
  options.progress = [&](const CrossValidationProgress&) { source.request_stop(); };
  EXPECT_EQ(error_of([&] { cross_validate(people, quick_recipe(), options); }).kind(),
            ErrorKind::cancelled);
  EXPECT_EQ(error_of([&] { cross_validate(people, quick_recipe(), {.folds = 1}); }).kind(),
            ErrorKind::bad_argument);
}

TEST(PublicEvaluation, OpenSetDecidesAsAGalleryDoes) {
  OpenSetOptions options;
  options.people = 10;
  options.draws = 3;
  std::vector<double> told;
  options.progress = [&](double done) { told.push_back(done); };
  const OpenSet result = open_set(small_model(), others(), options);
  EXPECT_EQ(result.people, 10u);
  EXPECT_EQ(result.draws, 3u);
  EXPECT_THAT(told, ElementsAre(0, 1.0 / 3, 2.0 / 3, 1));
  EXPECT_GE(result.fpir_of_nine_in_ten, 0);
  EXPECT_LE(result.fpir, 1);
  EXPECT_GT(result.rank_1, 1.0 / 10) << "better than chance";

  std::stop_source source;
  options.stop = source.get_token();
  options.progress = [&](double) { source.request_stop(); };
  EXPECT_EQ(error_of([&] { open_set(small_model(), others(), options); }).kind(),
            ErrorKind::cancelled);
  EXPECT_EQ(error_of([&] { open_set(small_model(), others(), {.draws = 0}); }).kind(),
            ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { open_set(small_model(), others(), {.people = 0}); }).kind(),
            ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { open_set(small_model(), others(), {.people = 5}); }).kind(),
            ErrorKind::uncalibrated);
  EXPECT_EQ(error_of([&] { open_set(small_model(), others(), {.fpir = 0.9}); }).kind(),
            ErrorKind::bad_argument);
}

}  // namespace
}  // namespace doppel
