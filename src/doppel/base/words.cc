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
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

}  // namespace doppel::internal
