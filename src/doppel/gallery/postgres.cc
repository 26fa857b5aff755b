#include "doppel/gallery/postgres.h"

#include "doppel/base/side_library.h"

namespace doppel::internal {
namespace {

template <typename Entry>
Entry postgres_entry(const char* name) {
  return reinterpret_cast<Entry>(side_library_entry("doppel_postgres", name, "PostgreSQL"));
}

}  // namespace

std::unique_ptr<Database> open_postgres(const std::string& url, Access access) {
  using Entry = Database* (*)(const std::string&, Access);
  static const auto entry = postgres_entry<Entry>("doppel_open_postgres");
  return std::unique_ptr<Database>(entry(url, access));
}

std::string shown_postgres(const std::string& url) {
  using Entry = void (*)(const std::string&, std::string&);
  static const auto entry = postgres_entry<Entry>("doppel_show_postgres_url");
  std::string shown;
  entry(url, shown);
  return shown;
}

}  // namespace doppel::internal
