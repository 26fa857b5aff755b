#include "doppel/gallery/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/gallery/decades_threshold.h"

namespace doppel::internal {
namespace {

GallerySettings calibrated_by_decades() {
  GallerySettings settings;
  settings.model_file = "m.safetensors";
  settings.embedding_size = 2;
  settings.threshold = decades();
  return settings;
}

// Whose line for 1 % lies at about 0.2.
OwnLine line_of(size_t people) {
  ImpostorScores scores;
  scores.people = people;
  for (size_t i = 0; i < people; ++i) {
    scores.searches.push_back({0.4 + 0.1 * static_cast<double>(i % 5), 1});
  }
  for (size_t i = 0; i < 50; ++i) scores.pairs.push_back({0.8 + 0.01 * static_cast<double>(i), 1});
  return OwnLine(scores);
}

TEST(Decision, TheModelsThresholdShrinksWithTheGallery) {
  const GallerySettings settings = calibrated_by_decades();
  const DecisionRule one = decision_rule(settings, 1, 1, {}),
                     many = decision_rule(settings, 5, 100, {});
  EXPECT_EQ(one.source, RuleSource::model);
  EXPECT_NEAR(one.threshold, 0.5, 1e-12);  // FPIR 1 % of one: FAR 1e-2
  EXPECT_NEAR(*one.far, 0.01, 1e-12);
  EXPECT_FALSE(one.extrapolated);
  EXPECT_NEAR(many.threshold, 0.3, 1e-3);  // about 1e-4
  EXPECT_NEAR(*many.fpir, 0.01, 1e-9);
  EXPECT_NEAR(fpir_of(*many.far, 100), 0.01, 1e-9);
  EXPECT_TRUE(many.extrapolated);
  EXPECT_NEAR(many.fpir_lower, 0.005, 1e-4);
  EXPECT_NEAR(many.fpir_upper, 0.02, 2e-4);
  EXPECT_EQ(decision_rule(settings, 0, 0, {}).threshold, one.threshold);
  // Rarer than the curve knows: its nearest distance, and the FPIR that this has.
  const DecisionRule most = decision_rule(settings, 7, 10'000'000, {});
  EXPECT_EQ(most.threshold, settings.threshold->curve.points.front().distance);
  EXPECT_NEAR(*most.fpir, fpir_of(1e-6, 10'000'000), 1e-9);
}

TEST(Decision, ByMeansAStrangerHasOneChanceWithEachPerson) {
  GallerySettings settings = calibrated_by_decades();
  settings.fusion = Fusion::mean;
  EXPECT_EQ(decision_rule(settings, 5, 100, {}).threshold,
            decision_rule(settings, 5, 5, {}).threshold);
}

TEST(Decision, ADistanceOfOnesOwnSaysWhatItIsWorth) {
  GallerySettings settings = calibrated_by_decades();
  settings.distance = 0.4;
  const DecisionRule rule = decision_rule(settings, 50, 100, line_of(50));
  EXPECT_EQ(rule.source, RuleSource::set);
  EXPECT_FALSE(rule.normalised);
  EXPECT_EQ(rule.threshold, 0.4);
  EXPECT_NEAR(*rule.far, 1e-3, 1e-9);
  EXPECT_NEAR(*rule.fpir, fpir_of(1e-3, 100), 1e-9);
  settings.threshold.reset();
  EXPECT_EQ(decision_rule(settings, 5, 100, {}).threshold, 0.4);
  EXPECT_FALSE(decision_rule(settings, 5, 100, {}).far);
}

TEST(Decision, TheGallerysOwnPeopleDecideOnceTheyAreEnough) {
  const DecisionRule rule = decision_rule(calibrated_by_decades(), 50, 60, line_of(50));
  EXPECT_EQ(rule.source, RuleSource::gallery);
  EXPECT_TRUE(rule.normalised);
  EXPECT_EQ(rule.threshold, line_of(50).threshold(0.01));
  EXPECT_EQ(*rule.fpir, 0.01);
  EXPECT_FALSE(rule.distance);
  EXPECT_LT(rule.fpir_lower, 0.01);
  EXPECT_GT(rule.fpir_upper, 0.01);
  EXPECT_TRUE(rule.accepts(2, rule.threshold - 0.01));
  EXPECT_FALSE(rule.accepts(0, rule.threshold));
}

TEST(Decision, OfAFewPeopleTheModelsCalibrationMakesItStricter) {
  const DecisionRule rule = decision_rule(calibrated_by_decades(), 10, 10, line_of(10));
  EXPECT_EQ(rule.source, RuleSource::gallery);
  ASSERT_TRUE(rule.distance);
  EXPECT_EQ(*rule.distance, decision_rule(calibrated_by_decades(), 7, 10, {}).threshold);
  EXPECT_TRUE(rule.accepts(*rule.distance - 0.01, rule.threshold - 0.01));
  EXPECT_FALSE(rule.accepts(*rule.distance, rule.threshold - 0.01));
  GallerySettings uncalibrated = calibrated_by_decades();
  uncalibrated.threshold.reset();
  EXPECT_FALSE(decision_rule(uncalibrated, 10, 10, line_of(10)).distance);
}

TEST(Decision, WithoutALineAndACalibrationThereIsNobody) {
  GallerySettings settings = calibrated_by_decades();
  settings.threshold.reset();
  const DecisionRule rule = decision_rule(settings, 3, 3, {});
  EXPECT_EQ(rule.source, RuleSource::none);
  EXPECT_THAT(rule.fault, testing::HasSubstr("before 8 people are enrolled"));
  EXPECT_FALSE(rule.accepts(0, -1));
  settings.fpir = 2;
  EXPECT_THAT(decision_rule(settings, 30, 30, line_of(30)).fault, testing::HasSubstr("fpir"));
}

}  // namespace
}  // namespace doppel::internal
