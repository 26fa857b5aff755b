// Which texts may name a person of a gallery, how they are written, and which of them look alike.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace doppel::internal {

inline constexpr size_t kMostNameCharacters = 200;

// What answers say in the place of a name, so that nobody can have it.
inline constexpr const char* kUnknownPerson = "unknown_person";
inline constexpr const char* kNoPerson = "no_persons_found";

// The one way of several to write a text that a gallery keeps: Unicode's form NFC, in which "ë" is
// one character. What is no UTF-8, or far too long for a name, stays as it is.
std::string normal_name(std::string_view name);

// Throws Error(bad_argument) that begins with `where` unless `text` is valid UTF-8 of 1 to
// kMostNameCharacters characters that can be seen: without control and format characters, line
// breaks and characters that Unicode has not assigned, and without blanks at its ends. The joiners
// that Persian, Indian scripts and emoji need may stand between such characters. "." and ".." are
// none. Quotes, slashes and emoji are welcome.
void check_name(std::string_view text, const std::string& where);

// The same of a person, whose name is also none that answers give strangers ("unknown",
// kUnknownPerson, kNoPerson), in capitals or not.
void check_person_name(std::string_view name, const std::string& where);

// Equal for two names that look alike: compatible characters are one (NFKC), what cannot be seen is
// left out, and blanks of any kind are one space. "Ann" and "ann" are two, and so are letters of
// different alphabets that are drawn in one way. `name` is valid UTF-8.
std::string comparable_name(std::string_view name);

// A name as an error or a line may show it: at most 60 characters, what is no printable text as
// \xhh.
std::string shown(std::string_view name);

}  // namespace doppel::internal
