// Reading JSON that comes from outside: a file, a request, a recipe. Every value is checked for its
// type and its range, and an error names the place and the value:
// `x.safetensors: threshold: "far" must be a number from 0 to 1, not "high"`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {

// Throws Error(kind), "where: no JSON".
nlohmann::json parse_json(std::string_view text, const std::string& where,
                          ErrorKind kind = ErrorKind::bad_data);

class JsonObject {
 public:
  // `value` outlives this. `where` stands in front of every error; all have this kind. Throws one
  // where `value` is no object.
  JsonObject(const nlohmann::json& value, std::string where, ErrorKind kind = ErrorKind::bad_data);

  const std::string& where() const { return where_; }
  bool has(const char* key) const;

  // The value of a key. All throw where it is missing or another than was expected.
  const nlohmann::json& at(const char* key) const;
  // Its errors begin with `where: key`.
  JsonObject object(const char* key) const;
  const nlohmann::json& list(const char* key, size_t most = SIZE_MAX) const;
  // Finite, from `least` to `most`.
  double number(const char* key, double least = std::numeric_limits<double>::lowest(),
                double most = std::numeric_limits<double>::max()) const;
  uint64_t whole_number(const char* key, uint64_t least, uint64_t most) const;
  bool truth(const char* key) const;
  const std::string& text(const char* key) const;
  // A list of `size` finite numbers; of any number of them.
  std::vector<double> numbers(const char* key, size_t size) const;
  std::vector<double> numbers(const char* key) const;
  // A list of whole numbers, each at most `most`.
  std::vector<size_t> whole_numbers(const char* key, uint64_t most) const;

  // Changes `value` where the key is there.
  void read(const char* key, bool& value) const;
  void read(const char* key, double& value) const;
  void read(const char* key, std::string& value) const;
  // At most a thousand million.
  void read(const char* key, int& value) const;
  void read(const char* key, size_t& value) const;
  template <typename T>
  void read(const char* key, std::optional<T>& value) const {
    if (has(key)) read(key, value.emplace());
  }

  // Refuses other keys than these.
  void expect_only(std::initializer_list<const char*> known) const;
  void expect_only(std::span<const std::string> known) const;

  // "where: what"
  [[noreturn]] void fail(const std::string& what) const;
  // `where: "key" must be expected, not ..`, or that it is missing.
  [[noreturn]] void refuse(const char* key, const std::string& expected) const;

 private:
  const nlohmann::json& value_;
  std::string where_;
  ErrorKind kind_;
};

// The numbers of a list; none where it is no list of finite numbers.
std::optional<std::vector<double>> finite_numbers(const nlohmann::json& list);

// JSON as an error quotes it: at most 80 characters, ASCII alone.
std::string quoted_json(const nlohmann::json& value);

}  // namespace doppel::internal
