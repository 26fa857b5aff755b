#include "doppel/model/threshold.h"

#include <array>
#include <cmath>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

// The names of the whole numbers and of the rates in the JSON.
constexpr std::array<std::pair<const char*, size_t Threshold::*>, 3> kCounts = {
    {{"genuine", &Threshold::genuine},
     {"impostor", &Threshold::impostor},
     {"identities", &Threshold::identities}}};
constexpr std::array<std::pair<const char*, double Threshold::*>, 4> kRates = {
    {{"far", &Threshold::far},
     {"lower", &Threshold::lower},
     {"upper", &Threshold::upper},
     {"tar", &Threshold::tar}}};

constexpr std::array<std::pair<const char*, std::vector<double> Threshold::*>, 2> kQuantiles = {
    {{"genuine_distances", &Threshold::genuine_distances},
     {"impostor_distances", &Threshold::impostor_distances}}};

}  // namespace

nlohmann::json to_json(const Threshold& threshold) {
  nlohmann::json json = {{"value", threshold.value}};
  for (const auto& [name, member] : kRates) json[name] = threshold.*member;
  for (const auto& [name, member] : kCounts) json[name] = threshold.*member;
  json["curve"] = to_json(threshold.curve);
  for (const auto& [name, member] : kQuantiles) json[name] = threshold.*member;
  if (threshold.namesakes) json["namesakes"] = true;
  return json;
}

nlohmann::json stored_json(const Threshold& threshold) {
  nlohmann::json json = to_json(threshold);
  if (threshold.photos) json["photos"] = to_json(*threshold.photos);
  return json;
}

Threshold threshold_from_json(const nlohmann::json& json, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, where + ": threshold: " + what);
  };
  if (!json.is_object()) fail("an object was expected");
  const auto number = [&](const char* name) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number()) fail(std::string(name) + " is no number");
    const double value = found->get<double>();
    if (!std::isfinite(value)) fail(std::string(name) + " is not finite");
    return value;
  };
  Threshold threshold;
  threshold.value = number("value");
  for (const auto& [name, member] : kRates) {
    threshold.*member = number(name);
    if (threshold.*member < 0 || threshold.*member > 1) {
      fail(std::string(name) + " is no rate between 0 and 1");
    }
  }
  for (const auto& [name, member] : kCounts) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number_unsigned()) {
      fail(std::string(name) + " is no whole number");
    }
    threshold.*member = found->get<size_t>();
  }
  if (threshold.lower > threshold.upper) fail("lower is above upper");
  if (!json.contains("curve")) fail("curve is missing");
  threshold.curve = far_curve_from_json(json["curve"], where + ": threshold");
  for (const auto& [name, member] : kQuantiles) {
    if (!json.contains(name)) continue;
    const nlohmann::json& listed = json[name];
    if (!listed.is_array() || (!listed.empty() && listed.size() != kDistanceQuantiles)) {
      fail(std::string(name) + " is no list of " + std::to_string(kDistanceQuantiles));
    }
    std::vector<double>& distances = threshold.*member;
    for (const nlohmann::json& value : listed) {
      const bool fits = value.is_number() && std::isfinite(value.get<double>()) &&
                        (distances.empty() || value >= distances.back());
      if (!fits) fail(std::string(name) + " holds what is no rising distance");
      distances.push_back(value.get<double>());
    }
  }
  const auto namesakes = json.find("namesakes");
  if (namesakes != json.end()) {
    if (!namesakes->is_boolean()) fail("namesakes is neither true nor false");
    threshold.namesakes = namesakes->get<bool>();
  }
  if (json.contains("photos")) {
    threshold.photos = photo_summary_from_json(json["photos"], where + ": threshold");
  }
  return threshold;
}

}  // namespace doppel::internal
