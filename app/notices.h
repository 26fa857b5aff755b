// Warnings on standard error.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace doppel::internal::app {

// The option that measures people whom a model knows, for pipeline/strangers.h.
inline constexpr const char* kAllowSeen = "--allow-seen";

void say_notice(const std::optional<std::string>& notice);
// ["..."], or [] where there is none.
nlohmann::json warnings_json(const std::optional<std::string>& notice);

// What is to be said of photos while they keep coming: each notice once, though its figures change
// with every photo.
class RunningNotices {
 public:
  // Every five seconds.
  bool due();
  void say(std::span<const std::string> notices);

 private:
  std::chrono::steady_clock::time_point next_;
  std::set<std::string> said_;  // how they begin
};

}  // namespace doppel::internal::app
