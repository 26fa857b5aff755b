// Settings as JSON: an object's "type" and its numbers, every other key refused by its name. For
// the sources of this folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {

// The object's "type". Throws Error(bad_data) where it is no object or has none.
inline std::string json_type(const nlohmann::json& json, const std::string& what) {
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string()) {
    throw Error(ErrorKind::bad_data,
                what + ": an object with a \"type\" was expected, not " + json.dump());
  }
  return json["type"].get<std::string>();
}

// Sets those of `numbers` that `json` names. Throws Error(bad_data) for a value that is no number
// and for a key beside them, "type" and `other`.
inline void read_json_numbers(const nlohmann::json& json, const std::string& what,
                              const std::vector<std::pair<const char*, double*>>& numbers,
                              const std::string& other = "type") {
  for (const auto& [key, value] : json.items()) {
    if (key == "type" || key == other) continue;
    std::string known = "type";
    double* number = nullptr;
    for (const auto& [name, place] : numbers) {
      if (key == name) number = place;
      known.append(", ").append(name);
    }
    if (number == nullptr) {
      if (other != "type") known.append(", ").append(other);
      throw Error(ErrorKind::bad_data, what + ": \"" + key + "\" is unknown; known: " + known);
    }
    if (!value.is_number()) {
      throw Error(ErrorKind::bad_data,
                  what + ": \"" + key + "\" must be a number, not " + value.dump());
    }
    *number = value.get<double>();
  }
}

}  // namespace doppel::internal
