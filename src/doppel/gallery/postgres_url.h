// The URL of a PostgreSQL server as libpq reads it, and what of it may be shown. Part of the
// library that postgres.h loads.
#pragma once

#include <string>
#include <vector>

namespace doppel::internal {

class PostgresUrl {
 public:
  // Throws Error(bad_argument), whose message quotes nothing of it, for what libpq does not read,
  // and where a part of the password could be taken for something else: an @ or / in it, a
  // "password=" within another part, a port that is no number.
  explicit PostgresUrl(const std::string& url);

  // Written anew from its parts, without those that libpq holds to be secret.
  const std::string& shown() const { return shown_; }
  // For libpq, as keywords and values, with waiting times where the URL has none: a server that is
  // gone is noticed.
  const std::string& connection() const { return connection_; }
  // What libpq or the server says, on one line; something else where it holds a secret.
  std::string repeated(std::string said) const;

 private:
  std::string shown_, connection_;
  std::vector<std::string> secrets_;
};

// PostgresUrl::shown(); where the URL is refused, nothing of it.
std::string shown_postgres_url(const std::string& url);

}  // namespace doppel::internal
