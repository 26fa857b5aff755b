#include "doppel/gallery/answer_json.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

using nlohmann::json;

TEST(AnswerJson, TellsTheKnownFromStrangers) {
  Answer answer;
  answer.candidates = {{"Ada", 0.5, 0.375, 0.25, 0.75},
                       {"Grace", 2, 2, std::nullopt, std::nullopt}};
  answer.known = true;
  EXPECT_EQ(to_json(answer), json::parse(R"({"known": true, "name": "Ada", "candidates": [
      {"name": "Ada", "distance": 0.5, "score": 0.375, "far": 0.25, "fpir": 0.75},
      {"name": "Grace", "distance": 2.0, "score": 2.0, "far": null, "fpir": null}]})"));
  answer.known = false;
  EXPECT_EQ(to_json(answer)["name"], json());
  EXPECT_EQ(to_json(Answer()), json::parse(R"({"known": false, "name": null, "candidates": []})"));
}

TEST(AnswerJson, SaysWhatAGalleryIsSetToDecideBy) {
  GallerySettings settings;
  EXPECT_EQ(decision_json(settings),
            json::parse(R"({"fpir": 0.01, "distance": null, "fusion": "nearest"})"));
  settings.distance = 0.5;
  settings.fusion = Fusion::mean;
  EXPECT_EQ(decision_json(settings),
            json::parse(R"({"fpir": 0.01, "distance": 0.5, "fusion": "mean"})"));
}

TEST(AnswerJson, GivesARatesIntervalWhereThereIsARate) {
  DecisionRule rule;
  rule.source = RuleSource::set;
  rule.threshold = 0.5;
  rule.people = 4;
  rule.templates = 10;
  EXPECT_EQ(to_json(rule), json::parse(R"({"source": "set", "threshold": 0.5, "normalised": false,
      "people": 4, "templates": 10, "far": null, "fpir": null})"));
  rule.source = RuleSource::gallery;
  rule.normalised = true;
  rule.distance = 0.75;
  rule.far = 0.125;
  rule.fpir = 0.25;
  rule.fpir_lower = 0.0625;
  rule.fpir_upper = 0.75;
  rule.extrapolated = true;
  EXPECT_EQ(to_json(rule), json::parse(R"({"source": "gallery", "threshold": 0.5,
      "normalised": true, "distance": 0.75, "people": 4, "templates": 10, "far": 0.125,
      "fpir": 0.25, "fpir_ci": [0.0625, 0.75], "extrapolated": true})"));
}

TEST(AnswerJson, SaysWhyNobodyCanBeRecognised) {
  DecisionRule rule;
  rule.fault = "too few";
  EXPECT_EQ(to_json(rule), json::parse(R"({"source": "none", "fault": "too few",
      "threshold": null, "normalised": false, "people": 0, "templates": 0, "far": null,
      "fpir": null})"));
}

}  // namespace
}  // namespace doppel::internal
