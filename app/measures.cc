#include "measures.h"

#include <cstdio>

namespace doppel::app {

std::string percent(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * rate);
  return text;
}

std::string percent(std::optional<double> rate) { return rate ? percent(*rate) : "none"; }

void print_json(const nlohmann::json& document) { std::printf("%s\n", document.dump(2).c_str()); }

nlohmann::json to_json(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace doppel::app
