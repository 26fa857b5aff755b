#include "doppel/gallery/person_name.h"

#include <cstdint>
#include <cstdio>
#include <optional>

#include "doppel/base/error.h"

namespace doppel {
namespace {

constexpr size_t kMostShown = 60;

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;
};

// The first character of `text`, which is not empty; nothing where these bytes are no UTF-8 (RFC
// 3629: shortest forms only, no surrogates, up to U+10FFFF).
std::optional<Character> first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return Character{byte(0), 1};
  const size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < size) return {};
  uint32_t code = byte(0) & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr uint32_t kShortest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kShortest[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return Character{code, size};
}

// Control characters, and what breaks a line or turns its direction round.
bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

void check_person_name(std::string_view name, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_argument, where + ": the name \"" + shown(name) + "\" " + what);
  };
  if (name.empty()) fail("is empty");
  size_t characters = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    const std::optional<Character> next = first_character(name.substr(at));
    if (!next) fail("is no UTF-8 text");
    if (is_control(next->code)) fail("has a line break or another control character in it");
    at += next->bytes;
  }
  if (characters > kMostNameCharacters) {
    fail("has " + std::to_string(characters) + " characters; at most " +
         std::to_string(kMostNameCharacters) + " were expected");
  }
  if (name.front() == ' ' || name.back() == ' ') fail("begins or ends with a space");
  // In an address they would lead elsewhere.
  if (name == "." || name == "..") fail("stands for a folder");
}

std::string shown(std::string_view name) {
  std::string text;
  size_t characters = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    if (characters == kMostShown) return text + "...";
    const std::optional<Character> next = first_character(name.substr(at));
    const size_t bytes = next ? next->bytes : 1;
    if (next && !is_control(next->code)) {
      text += name.substr(at, bytes);
    } else {
      for (size_t i = 0; i < bytes; ++i) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<uint8_t>(name[at + i]));
        text += escaped;
      }
    }
    at += bytes;
  }
  return text;
}

}  // namespace doppel
