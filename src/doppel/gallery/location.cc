#include "doppel/gallery/location.h"

#include <regex>

#include "doppel/error.h"
#include "doppel/gallery/postgres.h"

namespace doppel::internal {
namespace {

bool is_url(const std::string& location) {
  return location.starts_with("postgresql://") || location.starts_with("postgres://");
}

// Of what is neither a file's path nor a URL of ours: its beginning, which holds no secrets. Empty
// for all else.
std::string foreign(const std::string& location) {
  static const std::regex url("^[\\s\"']*((jdbc:)?[a-z][a-z0-9+.-]*://|postgres(ql)?:)",
                              std::regex::icase);
  static const std::regex options(
      "(^|\\s)(host|hostaddr|dbname|user|password|sslpassword|service)\\s*=", std::regex::icase);
  std::smatch found;
  if (is_url(location) || location.starts_with('/') || location.starts_with('.')) return "";
  if (std::regex_search(location, found, url)) return found.str() + "...";
  if (std::regex_search(location, found, options)) return found.str(2) + "=...";
  return "";
}

}  // namespace

bool is_server(const std::string& location) {
  if (const std::string beginning = foreign(location); !beginning.empty()) {
    throw Error(ErrorKind::bad_argument,
                beginning + ": a gallery's file was expected, or a PostgreSQL server's URL, " +
                    "postgresql://USER@HOST/DATABASE");
  }
  return is_url(location);
}

std::string shown_location(const std::string& location) {
  if (is_url(location)) return shown_postgres(location);
  const std::string beginning = foreign(location);
  return beginning.empty() ? location : beginning;
}

}  // namespace doppel::internal
