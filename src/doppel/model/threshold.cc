#include "doppel/model/threshold.h"

#include <algorithm>
#include <array>
#include <utility>

#include "doppel/base/json_object.h"

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
  const JsonObject object(json, std::string(where).append(": threshold"));
  Threshold threshold;
  threshold.value = object.number("value");
  for (const auto& [name, member] : kRates) threshold.*member = object.number(name, 0, 1);
  for (const auto& [name, member] : kCounts) {
    threshold.*member = object.whole_number(name, 0, UINT64_MAX);
  }
  if (threshold.lower > threshold.upper) object.fail("\"lower\" is above \"upper\"");
  threshold.curve = far_curve_from_json(object.at("curve"), object.where());
  for (const auto& [name, member] : kQuantiles) {
    if (!object.has(name)) continue;
    std::vector<double> distances = object.numbers(name);
    if (!distances.empty() && distances.size() != kDistanceQuantiles) {
      object.refuse(name, "a list of " + std::to_string(kDistanceQuantiles));
    }
    if (!std::ranges::is_sorted(distances)) object.refuse(name, "a list of rising distances");
    threshold.*member = std::move(distances);
  }
  object.read("namesakes", threshold.namesakes);
  if (object.has("photos")) {
    threshold.photos = photo_summary_from_json(object.at("photos"), object.where());
  }
  return threshold;
}

}  // namespace doppel::internal
