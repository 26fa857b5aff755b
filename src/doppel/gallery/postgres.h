// A gallery's database on a PostgreSQL server, so that several machines share it.
#pragma once

#include <memory>
#include <string>

#include "doppel/gallery/database.h"

namespace doppel::internal {

// `url` is one of libpq's: postgresql://user@host:port/database?option=value. What it leaves out
// comes from the PG... variables, a password also from ~/.pgpass. The tables are those of the
// schema that names lead to; another one is chosen by options=-csearch_path%3Dname.
//
// A connection that breaks is made anew by the next call outside of a transaction. A call that
// finds the server gone throws Error(io) and changes nothing; where it was lost during commit() the
// error says that nobody knows. While a server cannot be reached it is tried after 1 s, 2 s, .. 16
// s.
//
// Throws Error(bad_argument) for a URL that libpq does not read or that could show a part of its
// password, Error(io) where the server cannot be reached or does not let us in, or where the
// library for it is not installed. No message holds a password, or a part of one.
std::unique_ptr<Database> open_postgres(const std::string& url, Access access);

// The URL for messages: written anew from what libpq reads in it, without what is secret; nothing
// of it where open_postgres() refuses it. Throws Error(io) where the library is not installed.
std::string shown_postgres(const std::string& url);

}  // namespace doppel::internal
