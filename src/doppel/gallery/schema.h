// The tables of a gallery, the same in every database.
#pragma once

#include <string>
#include <vector>

namespace doppel::internal {

// The value of the note "format" in the table gallery; a newer program may write another one.
// The row of its settings that holds who may use its service.
inline constexpr const char* kAccessKeysRow = "access keys";
inline constexpr const char* kGalleryFormat = "doppel gallery 1";

// For Database::create(). Numbers are never used twice, so that a removed template's or person's
// stays that.
const std::vector<std::string>& gallery_tables();

// The columns of one of them, and their types, a letter for each: integer, real, text, bytes.
struct TableColumns {
  std::string table;
  std::string row;  // what one of its rows is, in messages
  std::vector<std::string> columns;
  std::string types;
};
// Each table after those that it refers to. The first column tells its rows apart.
const std::vector<TableColumns>& gallery_columns();

// Those that hold what must be gone from the disk when a person is removed.
const std::vector<std::string>& personal_tables();

}  // namespace doppel::internal
