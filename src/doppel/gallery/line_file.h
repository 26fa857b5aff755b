// The line that a large gallery's people draw, kept beside the gallery, so that a program that
// starts need not compare them again. Numbers alone, nothing of anybody. Inside gallery/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "doppel/gallery/people_index.h"

namespace doppel::internal {

// What keep_line() wrote for this key; nothing where there is no such file, or where it is
// another's or damaged.
std::optional<PeopleIndex::Drawn> read_line(const std::filesystem::path& file,
                                            const std::string& key);
// `key` names the state of the gallery. A file that cannot be written costs time at the next start,
// nothing else.
void keep_line(const PeopleIndex::Drawn& drawn, const std::string& key,
               const std::filesystem::path& file);

}  // namespace doppel::internal
