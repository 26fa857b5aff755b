// A gallery's database as one SQLite file: write-ahead log, flushed to the disk at every commit,
// deleted content overwritten. After each commit the log is emptied into the file where no reader
// needs it, and a file that the log does not belong to is refused (sqlite_states.h).
#pragma once

#include <filesystem>
#include <memory>

#include "doppel/gallery/database.h"

namespace doppel::internal {

// Throws Error(io) where the file is not there, cannot be read or written, or is empty;
// Error(bad_data) where it is no SQLite database. An empty file is as good as none to create() a
// gallery in: that leaves the file as it was where it fails, and takes one that was not there away
// again.
// Where that file is, whatever links lead to it and whatever folder this process goes to: SQLite
// keeps its log beside the file itself, and takes a whole path for a file, never for ":memory:" or
// a URI.
std::filesystem::path sqlite_file(const std::filesystem::path& path);

std::unique_ptr<Database> open_sqlite(const std::filesystem::path& path, Access access);

}  // namespace doppel::internal
