// An energy as JSON, in model files and descriptions of embedders.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/loss/energy.h"

namespace doppel {

nlohmann::json to_json(const Energy& energy);  // {"kind": "cosine"}, with "weights" and "bias" too
// Back; a text stands for an energy of that kind. Throws Error(bad_data) that begins with `where`.
Energy energy_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel
