// Figures as people and scripts read them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "doppel/eval/bootstrap.h"
#include "doppel/model/model.h"

namespace doppel::internal::app {

// The tutorial decides at this distance.
inline constexpr double kTutorialThreshold = 0.5;

// The distance below which two photos are taken for one person: `given`, which --threshold says,
// or else the model's calibrated one; nothing where there is neither, for no other means anything.
// Throws Error(bad_argument) where what is given cannot be meant.
std::optional<double> decision_threshold(const Model& model, std::optional<double> given);
// Why nothing is decided without one, and what to do.
inline constexpr const char* kNoThreshold =
    "the model has no calibrated threshold, so nothing is decided; doppel calibrate gives it one, "
    "or --threshold";

std::string percent(double rate);                 // "97.8 %"
std::string percent(std::optional<double> rate);  // or "none" where nothing was accepted
std::string percent(const Interval& interval);    // "1.2 to 3.4 %"

// A number as snprintf() has it.
std::string formatted(const char* format, double value);

// A rate in per cent with two digits: "0.038", "1.2", "100".
std::string two_digits(double rate);

std::string utc_now();  // "2024-05-17 09:30 UTC"

// "FAR 1 %, 95 % interval 0.4 to 2.1 %, chosen on 8 people"
std::string threshold_text(const Threshold& threshold);
// A line that says that a threshold is for another FAR than was asked for.
std::string unresolved_text(double far);

// A text as a CSV field (RFC 4180), quoted where it has to be.
std::string csv_field(const std::string& text);

// One JSON document, a new line, and an error where standard output cannot take it.
void print_json(const nlohmann::json& document);

nlohmann::json to_json(const std::optional<double>& value);  // null where there is none

}  // namespace doppel::internal::app
