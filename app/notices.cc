#include "notices.h"

#include <cstdio>

namespace doppel::internal::app {

void say_notice(const std::optional<std::string>& notice) {
  if (notice) std::fprintf(stderr, "Warning: %s\n", notice->c_str());
}

nlohmann::json warnings_json(const std::optional<std::string>& notice) {
  nlohmann::json warnings = nlohmann::json::array();
  if (notice) warnings.push_back(*notice);
  return warnings;
}

bool RunningNotices::due() {
  constexpr std::chrono::seconds kBetween{5};
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + kBetween;
  return true;
}

void RunningNotices::say(std::span<const std::string> notices) {
  for (const std::string& notice : notices) {
    if (said_.insert(notice.substr(0, notice.find_first_of(":("))).second) say_notice(notice);
  }
}

}  // namespace doppel::internal::app
