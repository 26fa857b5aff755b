#include "doppel/gallery/answer_json.h"

namespace doppel::internal {
namespace {

nlohmann::json number_or_null(const std::optional<double>& number) {
  return number ? nlohmann::json(*number) : nlohmann::json();
}

}  // namespace

nlohmann::json to_json(const Answer& answer) {
  nlohmann::json candidates = nlohmann::json::array();
  for (const Candidate& candidate : answer.candidates) {
    candidates.push_back({{"name", candidate.name},
                          {"distance", candidate.distance},
                          {"score", candidate.score},
                          {"far", number_or_null(candidate.far)},
                          {"fpir", number_or_null(candidate.fpir)}});
  }
  return {{"known", answer.known},
          {"name", answer.known ? candidates[0]["name"] : nlohmann::json()},
          {"candidates", std::move(candidates)}};
}

nlohmann::json to_json(const DecisionRule& rule) {
  nlohmann::json json = {{"source", to_string(rule.source)},
                         {"people", rule.people},
                         {"templates", rule.templates},
                         {"normalised", rule.normalised},
                         {"threshold", nullptr},
                         {"far", number_or_null(rule.far)},
                         {"fpir", number_or_null(rule.fpir)}};
  if (rule.source == RuleSource::none) {
    json["fault"] = rule.fault;
  } else {
    json["threshold"] = rule.threshold;
  }
  if (rule.distance) json["distance"] = *rule.distance;
  if (rule.fpir) {
    json["fpir_ci"] = {rule.fpir_lower, rule.fpir_upper};
    json["extrapolated"] = rule.extrapolated;
  }
  return json;
}

nlohmann::json decision_json(const GallerySettings& settings) {
  return {{"fpir", settings.fpir},
          {"distance", number_or_null(settings.distance)},
          {"fusion", to_string(settings.fusion)}};
}

}  // namespace doppel::internal
