// Figures as people and scripts read them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/eval/verification.h"

namespace doppel::app {

// The tutorial decides at this distance.
inline constexpr double kTutorialThreshold = 0.5;

std::string percent(double rate);                 // "97.8 %"
std::string percent(std::optional<double> rate);  // or "none" where nothing was accepted

// One JSON document, a new line, and an error where standard output cannot take it.
void print_json(const nlohmann::json& document);

nlohmann::json to_json(const std::optional<double>& value);  // null where there is none

}  // namespace doppel::app
