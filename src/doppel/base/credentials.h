// A message in, the same without what looks like a password out. A header alone: every side library
// (side_library.h) has its own.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace doppel::internal {

namespace credentials {

inline size_t find_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); };
  const auto found = std::search(text.begin(), text.end(), lower.begin(), lower.end(), same);
  return found == text.end() ? std::string_view::npos : static_cast<size_t>(found - text.begin());
}

// What a user writes where the message says how a URL is written.
inline constexpr std::string_view kPlaceholder = "PASSWORD";

}  // namespace credentials

// A word, be it an argument with blanks in it: what stands between a colon, other than that of a
// "scheme://", and the last @ is "...", and so is the value of "password=".
inline std::string word_without_credentials(std::string_view word) {
  std::string shown(word);
  size_t colon = shown.find(':');
  if (colon != std::string::npos && shown.find("//") == colon + 1) {
    colon = shown.find(':', colon + 3);
  }
  const size_t at = shown.rfind('@');
  if (colon != std::string::npos && at != std::string::npos && colon < at &&
      std::string_view(shown).substr(colon + 1, at - colon - 1) != credentials::kPlaceholder) {
    shown.replace(colon + 1, at - colon - 1, "...");
  }
  constexpr std::string_view kOption = "password=";
  for (size_t from = 0;;) {
    const size_t found =
        credentials::find_ignoring_case(std::string_view(shown).substr(from), kOption);
    if (found == std::string::npos) return shown;
    from += found + kOption.size();
    size_t end = std::min(shown.find_first_of("&;", from), shown.size());
    if (end > from && shown[end - 1] == ':') --end;  // the message's
    shown.replace(from, end - from, "...");
  }
}

// The same of each word of a text.
inline std::string without_credentials(std::string_view text) {
  if (text.find('@') == std::string_view::npos &&
      credentials::find_ignoring_case(text, "password=") == std::string_view::npos) {
    return std::string(text);
  }
  std::string shown;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    shown += word_without_credentials(text.substr(0, end));
    text.remove_prefix(end);
    const size_t blanks = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    shown += text.substr(0, blanks);
    text.remove_prefix(blanks);
  }
  return shown;
}

}  // namespace doppel::internal
