// The kinds of database that a gallery may be in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "doppel/gallery/database.h"

namespace doppel::internal {

struct DatabaseKind {
  // Whether a gallery's location is one of this kind.
  bool (*is_meant)(const std::string& location);
  std::unique_ptr<Database> (*open)(const std::string& location, Access access);
  // False where there surely is no gallery, without an attempt to open it.
  bool (*may_exist)(const std::string& location);
  // Throws Error(io) where no gallery can be made.
  void (*check_place)(const std::string& location);
  // Whether this user may write there, as far as this machine knows.
  bool (*may_be_changed)(const std::string& location);
  // The location, wherever this process goes.
  std::string (*lasting)(const std::string& location);
  // Its files lie on this machine: the search index may lie beside them, and reading photos is
  // cheap.
  bool in_files;
};

// Throws Error(bad_argument) where a location means a database in a way that we do not know.
const DatabaseKind& database_kind(const std::string& location);

}  // namespace doppel::internal
