#include "doppel/gallery/postgres.h"

#include "doppel/base/side_library.h"

namespace doppel {

std::unique_ptr<Database> open_postgres(const std::string& url, Access access) {
  using Entry = Database* (*)(const std::string&, Access);
  static const auto entry = reinterpret_cast<Entry>(
      side_library_entry("doppel_postgres", "doppel_open_postgres", "PostgreSQL"));
  return std::unique_ptr<Database>(entry(url, access));
}

}  // namespace doppel
