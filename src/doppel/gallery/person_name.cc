#include "doppel/gallery/person_name.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostShown = 60;
constexpr size_t kMostNameBytes = 8192;  // before the many bytes of one character are joined
constexpr uint32_t kNonJoiner = 0x200C, kJoiner = 0x200D;

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;
};

// The first character of `text`; nothing where it is empty or these bytes are no UTF-8 (RFC 3629:
// shortest forms only, no surrogates, up to U+10FFFF).
std::optional<Character> first_character(std::string_view text) {
  utf8proc_int32_t code = -1;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &code);
  if (bytes <= 0 || code < 0) return {};
  return Character{static_cast<uint32_t>(code), static_cast<size_t>(bytes)};
}

bool is_blank(uint32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_ZS;
}

// What shows nothing, breaks a line or turns its direction round, and what has no meaning yet or
// none that others share.
bool is_control(uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return false;
  }
}

// Arabic, Indian and other scripts behind them, and emoji, join with these; Latin, Greek, Cyrillic,
// Armenian and Hebrew never do.
bool may_be_joined(uint32_t code) { return code >= 0x600 && !is_control(code) && !is_blank(code); }

// The size of the character that `text` begins with, where it can be seen or joins what can; `last`
// is the one before it, 0 at the beginning.
std::optional<Character> printable_character(std::string_view text, uint32_t last) {
  const std::optional<Character> first = first_character(text);
  if (!first || !is_control(first->code)) return first;
  if (first->code != kNonJoiner && first->code != kJoiner) return {};
  const std::optional<Character> next = first_character(text.substr(first->bytes));
  if (!next || !may_be_joined(last) || !may_be_joined(next->code)) return {};
  return first;
}

// `options` of utf8proc; the text itself where it is no UTF-8.
std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &bytes,
                   static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  if (size < 0) return std::string(text);
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Blanks of any kind as one space, none at the ends.
std::string with_single_spaces(std::string_view text) {
  std::string spaced;
  for (size_t at = 0; at < text.size();) {
    const Character next = first_character(text.substr(at)).value_or(Character{0, 1});
    if (!is_blank(next.code)) {
      spaced += text.substr(at, next.bytes);
    } else if (!spaced.empty() && spaced.back() != ' ') {
      spaced += ' ';
    }
    at += next.bytes;
  }
  if (spaced.ends_with(' ')) spaced.pop_back();
  return spaced;
}

}  // namespace

std::string normal_name(std::string_view name) {
  if (is_ascii(name) || name.size() > kMostNameBytes) return std::string(name);
  return mapped(name, UTF8PROC_COMPOSE);
}

void check_name(std::string_view text, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_argument, where + ": the name \"" + shown(text) + "\" " + what);
  };
  if (text.empty()) fail("is empty");
  size_t characters = 0;
  uint32_t last = 0;
  for (size_t at = 0; at < text.size(); ++characters) {
    const std::string_view rest = text.substr(at);
    const std::optional<Character> next = first_character(rest);
    if (!next) fail("is no UTF-8 text");
    if (!printable_character(rest, last)) {
      fail("has a line break, a control character or another that cannot be seen in it");
    }
    if (at == 0 && is_blank(next->code)) fail("begins or ends with a space");
    last = next->code;
    at += next->bytes;
  }
  if (characters > kMostNameCharacters) {
    fail("has " + std::to_string(characters) + " characters; at most " +
         std::to_string(kMostNameCharacters) + " were expected");
  }
  if (is_blank(last)) fail("begins or ends with a space");
  if (comparable_name(text).empty()) fail("has nothing in it that can be seen");
  // In an address they would lead elsewhere.
  if (text == "." || text == "..") fail("stands for a folder");
}

void check_person_name(std::string_view name, const std::string& where) {
  check_name(name, where);
  std::string folded = mapped(comparable_name(name), UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE);
  std::ranges::replace_if(
      folded, [](char c) { return c == ' ' || c == '-'; }, '_');
  if (folded == "unknown" || folded == kUnknownPerson || folded == kNoPerson) {
    throw Error(ErrorKind::bad_argument,
                where + ": the name \"" + shown(name) +
                    "\" is what answers call strangers; another one was expected");
  }
}

std::string comparable_name(std::string_view name) {
  if (is_ascii(name)) return with_single_spaces(name);
  return with_single_spaces(mapped(name, UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE));
}

std::string shown(std::string_view name) {
  std::string text;
  size_t characters = 0;
  uint32_t last = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    if (characters == kMostShown) return text + "...";
    const std::string_view rest = name.substr(at);
    const std::optional<Character> next = first_character(rest);
    const size_t bytes = next ? next->bytes : 1;
    if (printable_character(rest, last)) {
      text += rest.substr(0, bytes);
    } else {
      for (size_t i = 0; i < bytes; ++i) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<uint8_t>(name[at + i]));
        text += escaped;
      }
    }
    last = next ? next->code : 0;
    at += bytes;
  }
  return text;
}

}  // namespace doppel::internal
