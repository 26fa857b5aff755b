#include "doppel/model/threshold_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace doppel::internal {
namespace {

using testing::HasSubstr;

const std::optional<Threshold> kUncalibrated;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Threshold calibrated() {
  const FarCurve curve{{{0.01, 0.7, 0.004, 0.021}, {1, 1.2, 1, 1}}, 2e-4};
  return {0.01, 0.7, 0.004, 0.021, 450, 4500, 0.89, 30, curve};
}

TEST(ThresholdFault, NoDistanceIsFartherThanEmbeddingsCanBe) {
  struct Case {
    EnergyKind kind;
    double largest;  // of embeddings of length 1 with 16 values
  };
  for (const auto& [kind, largest] :
       {Case{EnergyKind::euclidean, 2}, Case{EnergyKind::squared_euclidean, 4},
        Case{EnergyKind::cosine, 2}, Case{EnergyKind::manhattan, 8},
        Case{EnergyKind::weighted_l1, 1}}) {
    const Energy energy{kind, {}, 0};
    const auto fault = [&](double distance, EmbeddingLength length = EmbeddingLength::unit) {
      return distance_fault(distance, {energy, length, 16, kUncalibrated});
    };
    for (const double good : {1e-6, 0.5 * largest, 0.99 * largest}) {
      EXPECT_EQ(fault(good), std::nullopt) << to_string(kind) << " " << good;
    }
    for (const double bad :
         {-1.0, 0.0, -1e-300, 1.01 * largest, 1e300, kInfinity, -kInfinity, std::nan("")}) {
      ASSERT_TRUE(fault(bad)) << to_string(kind) << " " << bad;
      EXPECT_THAT(*fault(bad), HasSubstr("a distance above 0 and below"));
      EXPECT_THAT(*fault(bad), HasSubstr("no two embeddings of the model are farther apart"));
      EXPECT_EQ(fault(bad)->starts_with("is "), true);
    }
    // Those of any length may be far apart, but within single precision.
    EXPECT_TRUE(fault(1e300, EmbeddingLength::any)) << to_string(kind);
    EXPECT_TRUE(fault(-1, EmbeddingLength::any)) << to_string(kind);
    const bool bounded = kind == EnergyKind::cosine || kind == EnergyKind::weighted_l1;
    EXPECT_EQ(fault(1000, EmbeddingLength::any).has_value(), bounded) << to_string(kind);
  }
}

TEST(ThresholdFault, NoDistanceTakesEverybodyForOne) {
  const std::optional<Threshold> known = calibrated();
  const Energy energy;
  const auto fault = [&](double distance) {
    return distance_fault(distance, {energy, EmbeddingLength::any, 16, known});
  };
  EXPECT_EQ(fault(1.2), std::nullopt);
  ASSERT_TRUE(fault(1.3));
  EXPECT_THAT(*fault(1.3), HasSubstr("is 1.3, at most 1.2 was expected"));
}

TEST(ThresholdFault, RatesThatCanBeMeant) {
  for (const double good : {1e-9, 1e-6, 0.01, 0.5}) EXPECT_EQ(rate_fault(good), std::nullopt);
  for (const double bad : {-0.1, 0.0, 1e-300, 0.51, 1.0, 2.0, kInfinity, std::nan("")}) {
    ASSERT_TRUE(rate_fault(bad)) << bad;
    EXPECT_THAT(*rate_fault(bad), HasSubstr("a rate from 1e-09 to 0.5 was expected"));
  }
}

TEST(ThresholdFault, ACalibrationIsOnPeople) {
  const Energy energy;
  const auto fault = [&](const Threshold& threshold) {
    return threshold_fault(threshold, energy, EmbeddingLength::unit, 16);
  };
  EXPECT_EQ(fault(calibrated()), std::nullopt);
  Threshold strict = calibrated();
  strict.value = 0;
  EXPECT_EQ(fault(strict), std::nullopt) << "takes nobody for anybody";
  Threshold nobody = calibrated();
  nobody.identities = 0;
  EXPECT_THAT(fault(nobody).value_or(""), HasSubstr("calibrated on 0 people"));
  Threshold no_pairs = calibrated();
  no_pairs.impostor = 0;
  EXPECT_THAT(fault(no_pairs).value_or(""), HasSubstr("0 pairs of different ones"));
  Threshold lax = calibrated();
  lax.value = 2.5;
  EXPECT_THAT(fault(lax).value_or(""), HasSubstr("is 2.5, a distance above 0 and below"));
  Threshold negative = calibrated();
  negative.value = -1;
  EXPECT_TRUE(fault(negative));
  Threshold always = calibrated();
  always.far = 1;
  EXPECT_THAT(fault(always).value_or(""), HasSubstr("is for a FAR that is 1"));
  Threshold of_others = calibrated();
  of_others.photos = {30, {}, std::vector<float>(16), 1};
  EXPECT_EQ(fault(of_others), std::nullopt);
  of_others.photos->embedding.pop_back();
  EXPECT_THAT(fault(of_others).value_or(""), HasSubstr("mean embedding of 15 values"));
}

}  // namespace
}  // namespace doppel::internal
