// What SQLite says of a failure, as our kinds of errors and in our words.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string>

struct sqlite3;

namespace doppel {

// Throws DiskFull, DamagedDatabase or another Error, which begins with `path`, that of the
// database. `connection` is the one that has just failed, null where there is none.
[[noreturn]] void throw_sqlite_failure(const SQLite::Exception& failure, const std::string& path,
                                       sqlite3* connection);

}  // namespace doppel
