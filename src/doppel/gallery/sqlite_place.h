// Whether a gallery's file can be where it is said to be, and this user may do there what is
// wanted: what is in the way, in words that SQLite has not.
#pragma once

#include <filesystem>

#include "doppel/gallery/database.h"

namespace doppel::internal {

// Throws Error(bad_argument) for an empty path, Error(io) that names the file or folder, what is
// the matter with it and what to do: where a folder on the way is missing or closed to this user;
// where there is no file, an empty one or something else, unless `access` is to create one; where
// this user may not read the file, or not write it or its folder though `access` says so.
void check_sqlite_place(const std::filesystem::path& path, Access access);

}  // namespace doppel::internal
