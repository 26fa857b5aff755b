#include "doppel/base/json_object.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace doppel::internal {

using nlohmann::json;

namespace {

constexpr uint64_t kMostSetting = 1'000'000'000;

std::string shortest(double value) { return json(value).dump(); }

bool is_whole(const json& value) {
  return value.is_number_unsigned() || (value.is_number_integer() && value.get<int64_t>() >= 0);
}

std::string range_in_words(const std::string& least, const std::string& most) {
  return " from " + least + " to " + most;
}

}  // namespace

json parse_json(std::string_view text, const std::string& where, ErrorKind kind) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) throw Error(kind, where + ": no JSON");
  return value;
}

std::string quoted_json(const json& value) {
  constexpr size_t kMost = 80;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kMost) text.replace(kMost - 3, std::string::npos, "...");
  return text;
}

std::optional<std::vector<double>> finite_numbers(const json& list) {
  if (!list.is_array()) return {};
  std::vector<double> numbers;
  numbers.reserve(list.size());
  for (const json& value : list) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return {};
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

JsonObject::JsonObject(const json& value, std::string where, ErrorKind kind)
    : value_(value), where_(std::move(where)), kind_(kind) {
  if (!value_.is_object()) fail("a JSON object was expected, not " + quoted_json(value_));
}

void JsonObject::fail(const std::string& what) const {
  throw Error(kind_, std::string(where_).append(": ").append(what));
}

void JsonObject::refuse(const char* key, const std::string& expected) const {
  fail(std::string("\"").append(key).append("\" must be ").append(expected) +
       (has(key) ? ", not " + quoted_json(value_[key]) : "; it is missing"));
}

bool JsonObject::has(const char* key) const { return value_.contains(key); }

const json& JsonObject::at(const char* key) const {
  if (!has(key)) fail(std::string("\"").append(key).append("\" is missing"));
  return value_[key];
}

JsonObject JsonObject::object(const char* key) const {
  return {at(key), std::string(where_).append(": ").append(key), kind_};
}

const json& JsonObject::list(const char* key, size_t most) const {
  if (has(key) && value_[key].is_array() && value_[key].size() <= most) return value_[key];
  refuse(key, most == SIZE_MAX ? "a list" : "a list of at most " + std::to_string(most));
}

double JsonObject::number(const char* key, double least, double most) const {
  if (has(key) && value_[key].is_number()) {
    const double value = value_[key].get<double>();
    if (std::isfinite(value) && value >= least && value <= most) return value;
  }
  std::string expected = "a number";
  const bool low = least > std::numeric_limits<double>::lowest();
  const bool high = most < std::numeric_limits<double>::max();
  if (low && high) expected += range_in_words(shortest(least), shortest(most));
  if (low && !high) expected += " of at least " + shortest(least);
  refuse(key, expected);
}

std::vector<size_t> JsonObject::whole_numbers(const char* key, uint64_t most) const {
  std::vector<size_t> numbers;
  for (const json& value : list(key)) {
    if (!is_whole(value) || value.get<uint64_t>() > most) {
      refuse(key, "a list of whole numbers of at most " + std::to_string(most));
    }
    numbers.push_back(value.get<size_t>());
  }
  return numbers;
}

uint64_t JsonObject::whole_number(const char* key, uint64_t least, uint64_t most) const {
  if (has(key) && is_whole(value_[key])) {
    const auto value = value_[key].get<uint64_t>();
    if (value >= least && value <= most) return value;
  }
  refuse(key, most == UINT64_MAX && least == 0
                  ? "a whole number"
                  : "a whole number" + range_in_words(std::to_string(least), std::to_string(most)));
}

bool JsonObject::truth(const char* key) const {
  if (!has(key) || !value_[key].is_boolean()) refuse(key, "true or false");
  return value_[key].get<bool>();
}

const std::string& JsonObject::text(const char* key) const {
  if (!has(key) || !value_[key].is_string()) refuse(key, "a text");
  return value_[key].get_ref<const std::string&>();
}

std::vector<double> JsonObject::numbers(const char* key) const {
  if (has(key)) {
    if (auto found = finite_numbers(value_[key])) return *std::move(found);
  }
  refuse(key, "a list of numbers");
}

std::vector<double> JsonObject::numbers(const char* key, size_t size) const {
  if (has(key) && value_[key].size() == size) {
    if (auto found = finite_numbers(value_[key])) return *std::move(found);
  }
  refuse(key, "a list of " + std::to_string(size) + (size == 1 ? " number" : " numbers"));
}

void JsonObject::read(const char* key, bool& value) const {
  if (has(key)) value = truth(key);
}

void JsonObject::read(const char* key, double& value) const {
  if (has(key)) value = number(key);
}

void JsonObject::read(const char* key, std::string& value) const {
  if (has(key)) value = text(key);
}

void JsonObject::read(const char* key, int& value) const {
  if (has(key)) value = static_cast<int>(whole_number(key, 0, kMostSetting));
}

void JsonObject::read(const char* key, size_t& value) const {
  if (has(key)) value = whole_number(key, 0, kMostSetting);
}

void JsonObject::expect_only(std::span<const std::string> known) const {
  for (const auto& [key, value] : value_.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string names;
    for (const std::string& name : known) names.append(names.empty() ? "" : ", ").append(name);
    fail(quoted_json(json(key)) + " is unknown; known: " + names);
  }
}

void JsonObject::expect_only(std::initializer_list<const char*> known) const {
  expect_only(std::vector<std::string>(known.begin(), known.end()));
}

}  // namespace doppel::internal
