// Which texts may name a person of a gallery.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace doppel {

inline constexpr size_t kMostNameCharacters = 200;

// Throws Error(bad_argument) that begins with `where` unless `name` is valid UTF-8 of 1 to
// kMostNameCharacters characters, without control characters or line breaks, and without spaces at
// its ends; "." and ".." are none. Quotes, slashes and emoji are welcome.
void check_person_name(std::string_view name, const std::string& where);

// A name as an error or a line may show it: at most 60 characters, what is no printable text as
// \xhh.
std::string shown(std::string_view name);

}  // namespace doppel
