#include "doppel/loss/energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

TEST(Energy, EuclideanKnownAnswers) {
  const std::vector<float> a = {1, 2, 3}, b = {1, -1, 7};
  EXPECT_EQ(squared_euclidean(a, b), 25);
  EXPECT_EQ(euclidean(a, b), 5);
  EXPECT_EQ(euclidean(a, a), 0);
  EXPECT_EQ(euclidean(a, b), euclidean(b, a));
}

TEST(Energy, SmallDifferencesOfLargeValuesSurvive) {
  const std::vector<float> a = {16777216.0f, 0}, b = {16777214.0f, 1};
  EXPECT_EQ(squared_euclidean(a, b), 5);
  EXPECT_EQ(manhattan(a, b), 3);
}

TEST(Energy, CosineKnownAnswers) {
  const std::vector<float> x = {2, 0}, y = {0, 7}, xy = {3, 3}, minus_x = {-0.5f, 0}, zero = {0, 0};
  EXPECT_EQ(cosine(x, x), 0);
  EXPECT_EQ(cosine(x, y), 1);
  EXPECT_EQ(cosine(x, minus_x), 2);
  EXPECT_NEAR(cosine(x, xy), 1 - std::sqrt(0.5), 1e-15);
  EXPECT_EQ(cosine(x, zero), 1);
  EXPECT_EQ(cosine(zero, zero), 1);
}

TEST(Energy, ManhattanKnownAnswer) {
  const std::vector<float> a = {1, 2, 3}, b = {1, -1, 7};
  EXPECT_EQ(manhattan(a, b), 7);
}

TEST(Energy, WeightedL1IsOneMinusTheProbabilityOfOnePerson) {
  const std::vector<float> a = {1, 2, 3}, b = {1, -1, 7};
  const Energy energy{EnergyKind::weighted_l1, {5, -1, 0.5f}, 0.25f};
  // z = 0 - 3 + 2 + 0.25 = -0.75
  EXPECT_NEAR(energy_of(energy, a, b), 1 - 1 / (1 + std::exp(0.75)), 1e-12);
  const Energy sure{EnergyKind::weighted_l1, {0, -1000, 0}, 0};
  EXPECT_EQ(energy_of(sure, a, b), 1);
  EXPECT_EQ(energy_of(sure, a, a), 0.5);
}

TEST(Energy, WeightedL1NeedsAWeightForEachValue) {
  const std::vector<float> a = {1, 2, 3};
  EXPECT_THROW(energy_of({EnergyKind::weighted_l1, {1, 1}, 0}, a, a), Error);
}

TEST(Energy, EveryKindIsReachedByItsName) {
  const std::vector<float> a = {3, 0, 4}, b = {0, 0, 0};
  const std::vector<std::pair<const char*, double>> expected = {
      {"euclidean", 5}, {"squared_euclidean", 25}, {"cosine", 1}, {"manhattan", 7}};
  for (const auto& [name, value] : expected) {
    EXPECT_EQ(energy_of({energy_named(name), {}, 0}, a, b), value) << name;
    EXPECT_EQ(to_string(energy_named(name)), name);
  }
  EXPECT_EQ(to_string(energy_named("weighted_l1")), "weighted_l1");
  EXPECT_EQ(Energy{}.kind, EnergyKind::euclidean);
}

TEST(Energy, AnUnknownNameListsTheKnownOnes) {
  try {
    energy_named("chebyshev");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_THAT(error.what(), HasSubstr("euclidean, squared_euclidean, cosine, manhattan"));
    EXPECT_THAT(error.what(), HasSubstr("chebyshev"));
  }
}

TEST(Energy, SurvivesJson) {
  const Energy learned{EnergyKind::weighted_l1, {-1, 0.25f}, 0.5f};
  const Energy read = energy_from_json(nlohmann::json::parse(to_json(learned).dump()), "m");
  EXPECT_EQ(read.kind, learned.kind);
  EXPECT_EQ(read.weights, learned.weights);
  EXPECT_EQ(read.bias, learned.bias);
  EXPECT_EQ(energy_from_json(to_json({EnergyKind::cosine, {}, 0}), "m").kind, EnergyKind::cosine);
  EXPECT_EQ(energy_from_json("manhattan", "m").kind, EnergyKind::manhattan);
  for (const char* text :
       {"1", "[]", "{}", R"({"kind": 1})", R"({"kind": "other"})", R"("other")",
        R"({"kind": "weighted_l1"})", R"({"kind": "weighted_l1", "weights": ["1"], "bias": 0})"}) {
    EXPECT_THROW(energy_from_json(nlohmann::json::parse(text), "m"), Error) << text;
  }
}

}  // namespace
}  // namespace doppel::internal
