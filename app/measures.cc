#include "measures.h"

#include <cstdio>

#include "doppel/base/utc_time.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/model/threshold_fault.h"

namespace doppel::internal::app {

std::optional<double> decision_threshold(const Model& model, std::optional<double> given) {
  if (!given) return model.threshold ? std::optional(model.threshold->value) : std::nullopt;
  if (const auto fault = distance_fault(*given, distance_scale(model))) {
    throw Error(ErrorKind::bad_argument, "--threshold " + *fault);
  }
  return given;
}

std::string percent(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * rate);
  return text;
}

std::string percent(std::optional<double> rate) { return rate ? percent(*rate) : "none"; }

std::string percent(const Interval& interval) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f to %.1f %%", 100 * interval.lower, 100 * interval.upper);
  return text;
}

std::string utc_now() {
  const std::string time = utc_time();
  return time.substr(0, 10) + " " + time.substr(11, 5) + " UTC";
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string two_digits(double rate) {
  return formatted(100 * rate < 99.5 ? "%.2g" : "%.0f", 100 * rate);
}

std::string threshold_text(const Threshold& threshold) {
  return "FAR " + two_digits(threshold.far) + " %, 95 % interval " + two_digits(threshold.lower) +
         " to " + two_digits(threshold.upper) + " %, chosen on " +
         plural(threshold.identities, "person") +
         (threshold.namesakes ? ", some of whom have names that the model knew" : "");
}

std::string unresolved_text(double far) {
  char text[160];
  std::snprintf(text, sizeof text,
                "A FAR of %g %% is not resolved: there are too few pairs. The threshold is for the "
                "smallest FAR that they resolve.\n",
                100 * far);
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

void print_json(const nlohmann::json& document) { std::printf("%s\n", document.dump(2).c_str()); }

nlohmann::json to_json(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace doppel::internal::app
