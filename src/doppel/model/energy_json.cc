#include "doppel/model/energy_json.h"

#include <algorithm>

#include "doppel/base/error.h"

namespace doppel {

nlohmann::json to_json(const Energy& energy) {
  nlohmann::json value = {{"kind", to_string(energy.kind)}};
  if (energy.kind == EnergyKind::weighted_l1) {
    value["weights"] = energy.weights;
    value["bias"] = energy.bias;
  }
  return value;
}

Energy energy_from_json(const nlohmann::json& given, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, where + ": " + what);
  };
  const nlohmann::json value = given.is_string() ? nlohmann::json{{"kind", given}} : given;
  if (!value.is_object() || !value.contains("kind") || !value["kind"].is_string()) {
    fail("its \"energy\" has no \"kind\"");
  }
  Energy energy;
  try {
    energy.kind = energy_named(value["kind"].get<std::string>());
  } catch (const Error& error) {
    fail(error.what());
  }
  if (energy.kind != EnergyKind::weighted_l1) return energy;
  const auto is_number = [](const nlohmann::json& number) { return number.is_number(); };
  if (!value.contains("weights") || !value["weights"].is_array() || !value.contains("bias") ||
      !value["bias"].is_number() || !std::ranges::all_of(value["weights"], is_number)) {
    fail("its \"energy\" has no weights and bias");
  }
  energy.weights = value["weights"].get<std::vector<float>>();
  energy.bias = value["bias"].get<float>();
  return energy;
}

}  // namespace doppel
