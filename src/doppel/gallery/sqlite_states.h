// Whether a SQLite file is the one that its write-ahead log goes on from. SQLite itself lays any
// log over any file, so a backup that is copied over a gallery would be mixed with what the log
// holds.
#pragma once

#include <SQLiteCpp/Database.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "doppel/gallery/file_status.h"

namespace doppel::internal {

// Each commit draws a number, its state, and keeps it in the file's header (user_version). The log
// holds the states that it leads through; the file itself has to be in one of these. All throw
// SQLite::Exception where the database cannot be read.
class FileStates {
 public:
  // Of the database's main file, at `path`, which is also its name in messages; `changes`: they say
  // that nothing was changed.
  FileStates(SQLite::Database& database, std::string path, bool changes);

  // Within a transaction. Throws Error(io) where another file is at the path now, where the log
  // that this connection has opened is not beside it any more, or where the file is in a state that
  // does not belong to what the database reads.
  void check();
  // The same outside of a transaction; costs next to nothing where the file is as it was when this
  // last looked.
  void check_if_changed();
  // A new state, just before a commit.
  void advance();

 private:
  bool in_place() const;
  bool log_in_place();
  uint32_t in_file() const;  // whatever the log holds
  uint32_t in_view() const;
  bool known(uint32_t state) const;
  [[noreturn]] void refuse(const std::string& why) const;

  SQLite::Database& database_;
  std::string path_, unchanged_;
  std::optional<struct stat> seen_;
  std::optional<LogFiles> log_files_;  // as they were when this looked first
};

}  // namespace doppel::internal
