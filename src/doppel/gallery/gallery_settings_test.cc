#include "doppel/gallery/gallery_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/digest.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

nlohmann::json good_settings() {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.model_file = "m.safetensors";
  settings.embedding_size = 3;
  settings.energy = {EnergyKind::weighted_l1, {1, 2, 3}, 0};
  settings.fpir = 0.02;
  settings.fusion = Fusion::mean;
  return to_json(settings);
}

TEST(GallerySettings, SurviveJson) {
  const nlohmann::json json = good_settings();
  EXPECT_EQ(to_json(gallery_settings_from_json(json, "g")), json);
}

TEST(GallerySettings, RefuseWhatCannotBe) {
  const auto refused = [](const char* field, const nlohmann::json& value,
                          const std::string& words) {
    nlohmann::json json = good_settings();
    json[field] = value;
    try {
      gallery_settings_from_json(json, "g");
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), testing::StartsWith("g: "));
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  };
  refused("model", "abc", "\"model\" must be a digest");
  refused("model_file", 1, "\"model_file\" must be a text");
  refused("embedding_size", 0u, "embedding_size");
  refused("embedding_size", -3, "embedding_size");
  refused("embedding_size", 70000u, "embedding_size");
  refused("embedding_size", 4u, "another number of weights");
  refused("energy", "unheard-of", "unheard-of");
  refused("fpir", 1, "\"fpir\" must be a rate");
  refused("fpir", "x", "\"fpir\" must be a number");
  refused("distance", nullptr, "\"distance\" must be a number");
  refused("fusion", "median", "must be \"nearest\" or \"mean\"");
  refused("photos", 1, "\"photos\" must be true or false");
  refused("threshold", nlohmann::json::object(), "threshold");
  nlohmann::json nobody = to_json(Threshold{
      0.01, 0.5, 0.005, 0.02, 10, 100, 0.9, 5, {{{0.01, 0.5, 0.005, 0.02}, {1, 0.9, 1, 1}}, 0.01}});
  nobody["identities"] = 0u;
  refused("threshold", nobody, "its threshold was calibrated on 0 people");
  nobody["identities"] = 5u;
  nobody["value"] = 1e300;
  refused("threshold", nobody, "its threshold is 1e+300");
  EXPECT_THROW(gallery_settings_from_json(nlohmann::json::array(), "g"), Error);
}

TEST(GallerySettings, SayWhyARuleCannotBeMeant) {
  GallerySettings settings = gallery_settings_from_json(good_settings(), "g");
  EXPECT_EQ(rule_fault(settings), std::nullopt);
  for (const double bad : {-1.0, 0.0, 1.0, 1e300}) {
    settings.distance = bad;
    EXPECT_THAT(rule_fault(settings).value_or(""), testing::StartsWith("threshold is "));
  }
  settings.distance = 0.5;
  settings.fpir = 0.999;
  EXPECT_THAT(rule_fault(settings).value_or(""), testing::StartsWith("fpir is 0.999"));
}

}  // namespace
}  // namespace doppel::internal
