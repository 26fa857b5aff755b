#include "doppel/model/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

const FarCurve kTwoPoints{{{0.01, 0.7311, 0.004, 0.021}, {1, 1.2, 1, 1}}, 2e-4};

TEST(Threshold, SurvivesJson) {
  const Threshold threshold{0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, kTwoPoints};
  const std::string text = to_json(threshold).dump();
  EXPECT_EQ(threshold_from_json(nlohmann::json::parse(text), "m"), threshold);
}

std::vector<double> rising() {
  std::vector<double> values(kDistanceQuantiles);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.1 + static_cast<double>(i) / 7;
  return values;
}

TEST(Threshold, SurvivesJsonWithItsDistances) {
  Threshold threshold{0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, kTwoPoints};
  threshold.genuine_distances = rising();
  nlohmann::json json = nlohmann::json::parse(to_json(threshold).dump());
  EXPECT_EQ(threshold_from_json(json, "m"), threshold);
  json.erase("genuine_distances");
  json.erase("impostor_distances");
  EXPECT_TRUE(threshold_from_json(json, "m").genuine_distances.empty())
      << "as in files of before they were kept";
}

TEST(Threshold, KeepsThatSomeOfItsPeopleMayHaveBeenSeen) {
  Threshold threshold{0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, kTwoPoints};
  EXPECT_FALSE(to_json(threshold).contains("namesakes"));
  threshold.namesakes = true;
  nlohmann::json json = to_json(threshold);
  EXPECT_EQ(threshold_from_json(json, "m"), threshold);
  json["namesakes"] = 1;
  EXPECT_THROW(threshold_from_json(json, "m"), Error);
}

TEST(Threshold, FilesKeepTheSummaryOfItsPhotosReportsDoNot) {
  Threshold threshold{0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, kTwoPoints};
  EXPECT_EQ(stored_json(threshold), to_json(threshold));
  threshold.photos = {30, {{{0.5, 0.1}, {-1.6, 0.2}, {-1.8, 0.25}}}, {0.25F, -0.5F}, 0.75};
  EXPECT_FALSE(to_json(threshold).contains("photos"));
  nlohmann::json json = nlohmann::json::parse(stored_json(threshold).dump());
  EXPECT_EQ(threshold_from_json(json, "m"), threshold);
  json["photos"]["people"] = 0;
  EXPECT_THROW(threshold_from_json(json, "m"), Error);
}

TEST(Threshold, RefusesJsonThatIsNone) {
  const nlohmann::json good = to_json({0.01, 0.7, 0.004, 0.021, 450, 4500, 0.89, 30, kTwoPoints});
  const auto refused = [&](const char* field, const nlohmann::json& value,
                           const std::string& words) {
    nlohmann::json json = good;
    json[field] = value;
    try {
      threshold_from_json(json, "m.safetensors");
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: threshold: " + words));
    }
  };
  refused("far", 1.5, "\"far\" must be a number from 0.0 to 1.0, not 1.5");
  refused("value", "x", "\"value\" must be a number, not \"x\"");
  refused("value", std::numeric_limits<double>::infinity(), "\"value\" must be a number");
  refused("lower", 0.5, "\"lower\" is above \"upper\"");
  refused("genuine", -1, "\"genuine\" must be a whole number, not -1");
  refused("impostor", 1.5, "\"impostor\" must be a whole number, not 1.5");
  refused("tar", nullptr, "\"tar\" must be a number");
  refused("curve", nlohmann::json::array(), "curve: ");
  refused("genuine_distances", {1, 2}, "\"genuine_distances\" must be a list of 101");
  std::vector<double> falling = rising();
  std::swap(falling[3], falling[4]);
  refused("impostor_distances", falling,
          "\"impostor_distances\" must be a list of rising distances");
  EXPECT_THROW(threshold_from_json(nlohmann::json::array(), "m"), Error);
  EXPECT_THROW(threshold_from_json(nlohmann::json::object(), "m"), Error);
}

}  // namespace
}  // namespace doppel::internal
