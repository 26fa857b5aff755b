// What SQLite says of a failure, as our kinds of errors and in our words.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string>

#include "doppel/gallery/database.h"

struct sqlite3;

namespace doppel::internal {

// Throws DiskFull, DamagedDatabase or another Error, which begins with `path`, that of the
// database, and says that nothing was changed where something was to be. `connection` is the one
// that has just failed, null where there is none.
[[noreturn]] void throw_sqlite_failure(const SQLite::Exception& failure, const std::string& path,
                                       Access access, sqlite3* connection);

}  // namespace doppel::internal
