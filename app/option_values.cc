#include "option_values.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace doppel::internal::app {
namespace {

// What may be a URL: the place of a gallery, an origin; or any text: names of people and keys.
constexpr const char* kNoPaths[] = {"GALLERY", "--cors", "--name", "--label",
                                    "NAME",    "NAMES",  "NEW"};

// Digits as they are written back, nothing else: others read "010" as 8 and "-1" as 2^64 - 1.
template <typename Number>
bool is_whole(const std::string& value) {
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, 10);
  return error == std::errc() && end == value.data() + value.size() &&
         std::to_string(number) == value;
}

// What is wrong with a value of an option of that type; empty where nothing is.
std::string fault(const std::string& value, const std::string& type, bool path) {
  if (value.empty()) return "a value was expected, not an empty one";
  if (type.starts_with("UINT") && !is_whole<uint64_t>(value)) {
    return "a whole number from 0 up was expected, not " + value;
  }
  if (type.starts_with("INT") && !is_whole<int64_t>(value)) {
    return "a whole number was expected, not " + value;
  }
  if (type.starts_with("FLOAT")) {
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (*end != '\0' || !std::isfinite(number)) return "a number was expected, not " + value;
  }
  if (const size_t scheme = value.find("://"); path && scheme != std::string::npos) {
    return value.substr(0, scheme) + "://... is a URL, and a file or folder is expected here";
  }
  return "";
}

}  // namespace

void check_option_values(CLI::App& program) {
  for (CLI::Option* option : program.get_options()) {
    const std::string type = option->get_type_name();
    const bool path =
        std::ranges::none_of(kNoPaths, [&](const char* name) { return option->check_name(name); });
    option->check([type, path](const std::string& value) { return fault(value, type, path); });
  }
  for (CLI::App* command : program.get_subcommands({})) check_option_values(*command);
}

}  // namespace doppel::internal::app
