#include "doppel/train/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/contrastive.h"
#include "doppel/loss/logistic.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Two pairs: the first is genuine. Labels are per image, those of the second images repeated.
class PairObjective : public testing::Test {
 protected:
  PairObjective() : embeddings_(4, 3) {
    Random random(2, Purpose::sample);
    for (float& v : embeddings_.values) v = static_cast<float>(random.uniform(-1, 1));
  }
  ThreadPool pool_{1};
  Matrix embeddings_;
  const std::vector<uint32_t> labels_ = {1, 0, 1, 0};
  const std::vector<uint8_t> genuine_ = {1, 0};
};

TEST_F(PairObjective, ContrastivePairsIsTheContrastiveLoss) {
  const auto objective = make_objective({{"type", "contrastive_pairs"}, {"margin", 2}}, true, 3, 5);
  EXPECT_EQ(objective->parameter_count(), 0u);
  const LossResult got = objective->evaluate(embeddings_, labels_, {}, pool_);
  const PairLoss expected = contrastive_loss(embeddings_, genuine_, 2);
  EXPECT_EQ(got.loss, expected.loss);
  EXPECT_EQ(got.gradient.values, expected.gradient.values);
  EXPECT_TRUE(got.parameter_gradient.empty());
}

TEST_F(PairObjective, LogisticPairsLearnsAWeightForEachValueAndABias) {
  const auto objective = make_objective({{"type", "logistic_pairs"}}, true, 3, 5);
  ASSERT_EQ(objective->parameter_count(), 4u);
  const std::vector<float> parameters = objective->initial_parameters(1);
  EXPECT_EQ(parameters, initial_logistic_parameters(3));
  const LossResult got = objective->evaluate(embeddings_, labels_, parameters, pool_);
  const LogisticPairLoss expected = logistic_pair_loss(embeddings_, genuine_, parameters);
  EXPECT_EQ(got.loss, expected.loss);
  EXPECT_EQ(got.gradient.values, expected.gradient.values);
  EXPECT_EQ(got.parameter_gradient, expected.parameter_gradient);
}

TEST(Objective, OfImagesIsTheBatchLoss) {
  const json settings = {{"type", "cosine_margin"}, {"scale", 8}};
  EXPECT_EQ(make_objective(settings, false, 3, 5)->parameter_count(), 15u);
  EXPECT_EQ(complete_objective(settings, false), complete_loss_settings(settings));
}

TEST(Objective, SettingsAreCompleted) {
  EXPECT_EQ(complete_objective({{"type", "contrastive_pairs"}}, true),
            json({{"type", "contrastive_pairs"}, {"margin", 1.0}}));
  EXPECT_EQ(complete_objective({{"type", "logistic_pairs"}}, true),
            json({{"type", "logistic_pairs"}}));
}

TEST(Objective, WhatMakesNoSenseIsNamed) {
  const auto refusal = [](const json& settings, bool pairs) {
    try {
      complete_objective(settings, pairs);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal({{"type", "cosine_margin"}}, true), HasSubstr("contrastive_pairs"));
  EXPECT_THAT(refusal({{"type", "contrastive_pairs"}}, false), HasSubstr("contrastive_pairs"));
  EXPECT_THAT(refusal({{"type", "contrastive_pairs"}, {"slope", 1}}, true), HasSubstr("slope"));
  EXPECT_THAT(refusal({{"type", "logistic_pairs"}, {"margin", 1}}, true), HasSubstr("margin"));
  for (const json& margin : {json(0), json(-1), json("wide"), json(1e7)}) {
    EXPECT_THAT(refusal({{"type", "contrastive_pairs"}, {"margin", margin}}, true),
                HasSubstr("margin"));
  }
  EXPECT_THAT(refusal(7, true), HasSubstr("not 7"));
  EXPECT_THAT(refusal({}, true), HasSubstr("not null"));
}

}  // namespace
}  // namespace doppel::internal
