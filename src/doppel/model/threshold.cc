#include "doppel/model/threshold.h"

#include <array>
#include <cmath>
#include <utility>

#include "doppel/base/error.h"

namespace doppel {
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

}  // namespace

nlohmann::json to_json(const Threshold& threshold) {
  nlohmann::json json = {{"value", threshold.value}};
  for (const auto& [name, member] : kRates) json[name] = threshold.*member;
  for (const auto& [name, member] : kCounts) json[name] = threshold.*member;
  json["curve"] = to_json(threshold.curve);
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
  return threshold;
}

}  // namespace doppel
