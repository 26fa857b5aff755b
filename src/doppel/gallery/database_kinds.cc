#include "doppel/gallery/database_kinds.h"

#include "doppel/gallery/location.h"
#include "doppel/gallery/postgres.h"
#include "doppel/gallery/sqlite.h"
#include "doppel/gallery/sqlite_guest.h"
#include "doppel/gallery/sqlite_place.h"

namespace doppel::internal {
namespace {

bool is_sqlite(const std::string&) { return true; }

std::unique_ptr<Database> sqlite_at(const std::string& location, Access access) {
  return open_sqlite(location, access);
}

bool may_be_sqlite(const std::string& location) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(location, error);
  const bool none = error == std::errc::no_such_file_or_directory;
  return !none && (error || bytes > 0);
}

void check_sqlite(const std::string& location) { check_sqlite_place(location, Access::create); }

std::string whole_sqlite_path(const std::string& location) {
  return sqlite_file(location).string();
}

bool always(const std::string&) { return true; }
void check_nothing(const std::string&) {}
std::string as_it_is(const std::string& location) { return location; }

// The first that is meant. A new kind is a file of its own and a line here.
constexpr DatabaseKind kDatabaseKinds[] = {
    {is_server, open_postgres, always, check_nothing, always, as_it_is, false},
    {is_sqlite, sqlite_at, may_be_sqlite, check_sqlite, may_change_sqlite, whole_sqlite_path, true},
};

}  // namespace

const DatabaseKind& database_kind(const std::string& location) {
  const DatabaseKind* kind = kDatabaseKinds;
  while (!kind->is_meant(location)) ++kind;  // the last one takes all
  return *kind;
}

std::string lasting_location(const std::string& location) {
  return database_kind(location).lasting(location);
}

std::unique_ptr<Database> open_database(const std::string& location, Access access) {
  return database_kind(location).open(location, access);
}

}  // namespace doppel::internal
