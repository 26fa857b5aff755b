#include "doppel/gallery/database.h"

#include "doppel/gallery/location.h"
#include "doppel/gallery/postgres.h"
#include "doppel/gallery/sqlite.h"

namespace doppel::internal {

std::string lasting_location(const std::string& location) {
  return is_server(location) ? location : sqlite_file(location).string();
}

std::unique_ptr<Database> open_database(const std::string& location, Access access) {
  return is_server(location) ? open_postgres(location, access) : open_sqlite(location, access);
}

}  // namespace doppel::internal
