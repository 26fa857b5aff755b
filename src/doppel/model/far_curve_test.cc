#include "doppel/model/far_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

const FarCurve kThreePoints{{{1e-4, 0.2, 1e-5, 1e-3}, {1e-2, 0.4, 4e-3, 3e-2}, {1, 1.0, 1, 1}},
                            1e-3};

TEST(FarCurve, GoesThroughItsPointsAndIsLogLinearBetween) {
  for (const FarPoint& point : kThreePoints.points) {
    EXPECT_DOUBLE_EQ(far_at(kThreePoints, point.distance), point.far);
    EXPECT_EQ(point_at(kThreePoints, point.far), point);
  }
  EXPECT_NEAR(far_at(kThreePoints, 0.3), 1e-3, 1e-15);
  EXPECT_NEAR(far_at(kThreePoints, 0.7), 1e-1, 1e-12);
  const FarPoint between = point_at(kThreePoints, 1e-3);
  EXPECT_NEAR(between.distance, 0.3, 1e-12);
  EXPECT_LT(between.lower, 1e-3);
  EXPECT_GT(between.upper, 1e-3);
}

TEST(FarCurve, NeverClaimsLessThanItsRarestPoint) {
  EXPECT_EQ(far_at(kThreePoints, 0), 1e-4);
  EXPECT_EQ(far_at(kThreePoints, -1), 1e-4);
  EXPECT_EQ(far_at(kThreePoints, 7), 1);
  EXPECT_EQ(point_at(kThreePoints, 1e-9).distance, 0.2);
  for (const double far : {0.0, -0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(point_at(kThreePoints, far), Error) << far;
  }
}

TEST(FarCurve, OfEqualDistancesTheLargestFarCounts) {
  const FarCurve steps{{{0.1, 0.5, 0, 1}, {0.2, 0.5, 0, 1}, {1, 0.8, 0, 1}}, 0.1};
  EXPECT_DOUBLE_EQ(far_at(steps, 0.5), 0.2);
  EXPECT_DOUBLE_EQ(far_at(steps, 0.4999), 0.1);
}

TEST(FarCurve, AnyOfManyTemplates) {
  EXPECT_DOUBLE_EQ(fpir_of(0.01, 1), 0.01);
  EXPECT_NEAR(fpir_of(0.01, 2), 1 - 0.99 * 0.99, 1e-15);
  EXPECT_NEAR(fpir_of(1e-12, 1000), 1e-9, 1e-17);
  EXPECT_EQ(fpir_of(1, 3), 1);
  EXPECT_EQ(fpir_of(0, 3), 0);
  for (const size_t n : {1u, 2u, 500u, 1'000'000u}) {
    for (const double fpir : {1e-6, 0.01, 0.5}) {
      EXPECT_NEAR(fpir_of(far_for(fpir, n), n), fpir, 1e-12 * fpir) << n;
    }
  }
}

TEST(FarCurve, SurvivesJson) {
  EXPECT_EQ(far_curve_from_json(nlohmann::json::parse(to_json(kThreePoints).dump()), "m"),
            kThreePoints);
}

TEST(FarCurve, RefusesJsonThatIsNone) {
  const auto refused = [&](const char* text, const std::string& words) {
    try {
      far_curve_from_json(nlohmann::json::parse(text), "m.safetensors");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: curve: "));
      EXPECT_THAT(error.what(), testing::HasSubstr(words)) << text;
    }
  };
  refused("[]", "a JSON object was expected");
  refused(R"({"points": []})", "\"resolved\" must be a number");
  refused(R"({"points": [], "resolved": 1})", "1 to 1000 points");
  refused(R"({"points": [[1, 2, 1, 1]], "resolved": 2})",
          "\"resolved\" must be a number from 0.0 to 1.0");
  refused(R"({"points": [[1, 2, 1]], "resolved": 1})", "a point is [far");
  refused(R"({"points": [[1, "2", 1, 1]], "resolved": 1})", "a point is [far");
  refused(R"({"points": [[0, 2, 0, 1]], "resolved": 1})", "impossible");
  refused(R"({"points": [[0.1, 2, 0.3, 0.2]], "resolved": 1})", "impossible");
  refused(R"({"points": [[0.1, 2, 0, 1], [0.1, 3, 0, 1]], "resolved": 1})", "do not rise");
  refused(R"({"points": [[0.1, 2, 0, 1], [0.2, 1, 0, 1]], "resolved": 1})", "do not rise");
}

}  // namespace
}  // namespace doppel::internal
