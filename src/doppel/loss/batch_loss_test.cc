#include "doppel/loss/batch_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "doppel/error.h"
#include "doppel/loss/loss_check.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kTypes = {"contrastive",
                                         "triplet_batch_hard",
                                         "triplet_semi_hard",
                                         "multi_similarity",
                                         "supervised_contrastive",
                                         "n_pair",
                                         "cosine_margin",
                                         "arc_margin"};

std::string refusal(const json& settings) {
  try {
    make_batch_loss(settings, 4, 3);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << settings;
  return "";
}

TEST(BatchLoss, SettingsAreCompletedWithDefaults) {
  EXPECT_EQ(complete_loss_settings({{"type", "cosine_margin"}, {"scale", 30}}),
            json({{"type", "cosine_margin"}, {"scale", 30.0}, {"margin", 0.2}}));
  EXPECT_EQ(complete_loss_settings({{"type", "multi_similarity"}, {"epsilon", nullptr}}),
            json({{"type", "multi_similarity"},
                  {"alpha", 2.0},
                  {"beta", 50.0},
                  {"base", 0.5},
                  {"epsilon", nullptr}}));
  const json sum = {
      {"type", "sum"},
      {"losses", {{{"type", "n_pair"}}, {{"type", "contrastive"}, {"weight", 0.25}}}}};
  EXPECT_EQ(complete_loss_settings(sum),
            json({{"type", "sum"},
                  {"losses",
                   {{{"type", "n_pair"}, {"l2", 0.002}, {"weight", 1.0}},
                    {{"type", "contrastive"}, {"margin", 1.0}, {"weight", 0.25}}}}}));
  for (const std::string& type : kTypes) {
    const json complete = complete_loss_settings({{"type", type}});
    EXPECT_EQ(complete_loss_settings(complete), complete);
  }
}

TEST(BatchLoss, WrongSettingsAreRefusedByName) {
  EXPECT_THAT(refusal("contrastive"), HasSubstr("object"));
  EXPECT_THAT(refusal(json::object()), HasSubstr("\"type\""));
  EXPECT_THAT(refusal({{"type", 3}}), HasSubstr("\"type\""));
  EXPECT_THAT(refusal({{"type", "center"}}),
              AllOf(HasSubstr("\"center\""), HasSubstr("arc_margin, sum")));
  EXPECT_THAT(refusal({{"type", "arc_margin"}, {"sclae", 3}}),
              AllOf(HasSubstr("\"sclae\""), HasSubstr("known: type, scale, margin")));
  EXPECT_THAT(refusal({{"type", "arc_margin"}, {"margin", "big"}}),
              AllOf(HasSubstr("loss arc_margin: \"margin\""), HasSubstr("from 0.0 to 1.5"),
                    HasSubstr("not \"big\"")));
  EXPECT_THAT(refusal({{"type", "arc_margin"}, {"margin", -0.1}}), HasSubstr("not -0.1"));
  EXPECT_THAT(refusal({{"type", "arc_margin"}, {"scale", nullptr}}), HasSubstr("\"scale\""));
  EXPECT_THAT(refusal({{"type", "supervised_contrastive"}, {"temperature", 0}}),
              HasSubstr("\"temperature\""));
  EXPECT_THAT(refusal({{"type", "multi_similarity"}, {"epsilon", 3}}),
              HasSubstr("from 0.0 to 2.0"));
  EXPECT_TRUE(
      complete_loss_settings({{"type", "multi_similarity"}, {"epsilon", nullptr}})["epsilon"]
          .is_null());
  EXPECT_THAT(refusal({{"type", "contrastive"}, {"weight", 1}}), HasSubstr("\"weight\""));
  EXPECT_THAT(refusal({{"type", "sum"}}), HasSubstr("\"losses\""));
  EXPECT_THAT(refusal({{"type", "sum"}, {"losses", json::array()}}), HasSubstr("1 to 16"));
  EXPECT_THAT(refusal({{"type", "sum"}, {"losses", {{{"type", "sum"}}}}}),
              HasSubstr("no sum within a sum"));
  EXPECT_THAT(refusal({{"type", "sum"}, {"losses", {{{"type", "n_pair"}, {"weight", -1}}}}}),
              HasSubstr("\"weight\""));
}

TEST(BatchLoss, OnlyTheMarginLossesLearn) {
  for (const std::string& type : kTypes) {
    const auto loss = make_batch_loss({{"type", type}}, 4, 3);
    const bool learns = type == "cosine_margin" || type == "arc_margin";
    EXPECT_EQ(loss->parameter_count(), learns ? 12u : 0u) << type;
    EXPECT_EQ(loss->initial_parameters(1).size(), loss->parameter_count()) << type;
  }
}

TEST(BatchLoss, SettingsReachTheLoss) {
  // Every number that can be set changes the result.
  const std::vector<uint32_t> who = {0, 1, 0, 2, 1, 0};
  const Matrix x = random_batch(who, 4, 2, 11);
  ThreadPool pool(1);
  const auto value = [&](const json& settings) {
    const auto loss = make_batch_loss(settings, 4, 3);
    return loss->evaluate(x, who, loss->initial_parameters(1), pool).loss;
  };
  for (const std::string& type : kTypes) {
    const json complete = complete_loss_settings({{"type", type}});
    for (const auto& [name, setting] : complete.items()) {
      if (!setting.is_number()) continue;
      json changed = complete;
      changed[name] = name == "margin" && type == "contrastive" ? 9.0 : 0.7;
      EXPECT_NE(value(changed), value(complete)) << type << ": " << name;
    }
  }
  EXPECT_NE(value({{"type", "multi_similarity"}, {"epsilon", nullptr}}),
            value({{"type", "multi_similarity"}}));
}

TEST(BatchLoss, ASumAddsLossesGradientsAndParameters) {
  const json first = {{"type", "arc_margin"}}, second = {{"type", "supervised_contrastive"}},
             third = {{"type", "cosine_margin"}, {"scale", 8}};
  json losses = {first, second, third};
  losses[0]["weight"] = 0.5;
  losses[2]["weight"] = 2;
  const auto sum = make_batch_loss({{"type", "sum"}, {"losses", losses}}, 4, 3);
  const std::vector<uint32_t> who = {0, 1, 0, 2, 1, 0};
  const Matrix x = random_batch(who, 4, 1, 11);
  std::vector<float> w(24);
  Random random(1, Purpose::sample);
  for (float& value : w) value = static_cast<float>(random.normal());
  ASSERT_EQ(sum->parameter_count(), w.size());
  ASSERT_EQ(sum->initial_parameters(1).size(), w.size());
  ThreadPool pool(2);
  const LossResult all = sum->evaluate(x, who, w, pool);
  const LossResult a = make_batch_loss(first, 4, 3)->evaluate(x, who, std::span(w).first(12), pool),
                   b = make_batch_loss(second, 4, 3)->evaluate(x, who, {}, pool),
                   c = make_batch_loss(third, 4, 3)->evaluate(x, who, std::span(w).last(12), pool);
  EXPECT_NEAR(all.loss, 0.5 * a.loss + b.loss + 2 * c.loss, 1e-12);
  for (size_t i = 0; i < x.values.size(); ++i) {
    EXPECT_NEAR(all.gradient.values[i],
                0.5f * a.gradient.values[i] + b.gradient.values[i] + 2 * c.gradient.values[i],
                1e-5);
  }
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(all.parameter_gradient[i], 0.5f * a.parameter_gradient[i]);
    EXPECT_EQ(all.parameter_gradient[12 + i], 2 * c.parameter_gradient[i]);
  }
  EXPECT_THROW(sum->evaluate(x, who, std::span(w).first(23), pool), Error);
}

TEST(BatchLoss, DegenerateBatchesGiveFiniteResults) {
  const std::vector<std::vector<uint32_t>> identities = {
      {0, 0, 0, 0, 0}, {0, 1, 2, 3, 4}, {1, 1, 2, 2, 3}, {4, 4, 4, 4, 0}};
  ThreadPool pool(2);
  for (const std::string& type : kTypes) {
    const auto loss = make_batch_loss({{"type", type}}, 6, 5);
    const std::vector<float> w = loss->initial_parameters(1);
    for (const auto& who : identities) {
      SCOPED_TRACE(testing::Message() << type << " " << testing::PrintToString(who));
      const Matrix x = random_batch(who, 6, 1, 2);
      Matrix equal(5, 6), some_zero = x;
      for (float& value : equal.values) value = 0.3f;
      std::fill(some_zero.row(1).begin(), some_zero.row(1).end(), 0.0f);
      std::fill(some_zero.row(3).begin(), some_zero.row(3).end(), 0.0f);
      for (const Matrix& batch : {x, equal, some_zero, Matrix(5, 6)}) {
        const LossResult result = loss->evaluate(batch, who, w, pool);
        expect_finite(result);
        EXPECT_GE(result.loss, 0);
        EXPECT_EQ(result.gradient.rows, 5u);
        EXPECT_EQ(result.gradient.columns, 6u);
        EXPECT_EQ(result.parameter_gradient.size(), w.size());
      }
    }
    EXPECT_EQ(loss->evaluate(Matrix(0, 6), {}, w, pool).loss, 0) << type;
    const std::vector<uint32_t> one = {2};
    expect_finite(loss->evaluate(random_batch(one, 6, 1, 2), one, w, pool));
    EXPECT_THROW(loss->evaluate(Matrix(2, 6), one, w, pool), Error) << type;
  }
}

TEST(BatchLoss, WithoutAPairOfTheKindTheyNeedLossesAreZero) {
  ThreadPool pool(1);
  const std::vector<uint32_t> each_once = {0, 1, 2, 3}, all_one = {2, 2, 2, 2};
  const auto value = [&](const std::string& type, const std::vector<uint32_t>& who) {
    return make_batch_loss({{"type", type}}, 3, 4)
        ->evaluate(random_batch({0, 1, 2, 3}, 3, 1, 2), who, {}, pool);
  };
  for (const char* type :
       {"triplet_batch_hard", "triplet_semi_hard", "multi_similarity", "supervised_contrastive"}) {
    const LossResult result = value(type, each_once);
    EXPECT_EQ(result.loss, 0) << type;
    for (const float g : result.gradient.values) EXPECT_EQ(g, 0) << type;
  }
  for (const char* type : {"triplet_batch_hard", "triplet_semi_hard", "multi_similarity"}) {
    EXPECT_EQ(value(type, all_one).loss, 0) << type;
  }
  // Where a genuine pair suffices, one identity alone still has a loss.
  EXPECT_GT(value("contrastive", all_one).loss, 0);
  EXPECT_GT(value("supervised_contrastive", all_one).loss, 0);
}

}  // namespace
}  // namespace doppel::internal
