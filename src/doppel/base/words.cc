#include "doppel/base/words.h"

#include <algorithm>

namespace doppel::internal {

std::string plural(size_t count, std::string thing) {
  if (count == 1) return "1 " + thing;
  if (thing.ends_with("person")) {
    thing.replace(thing.size() - 6, 6, "people");
  } else if (thing.ends_with("y")) {
    thing.replace(thing.size() - 1, 1, "ies");
  } else {
    thing += "s";
  }
  return std::to_string(count) + " " + thing;
}

std::string enumerated(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 5;
  const size_t more = names.size() > kNamed ? names.size() - kNamed : 0;
  std::string text;
  for (size_t i = 0; i < names.size() - more; ++i) {
    const bool last = i > 0 && i + 1 == names.size();
    text.append(i == 0 ? "" : last ? " and " : ", ").append(names[i]);
  }
  if (more > 0) text += " and " + std::to_string(more) + " more";
  return text;
}

}  // namespace doppel::internal
