// Who may read a gallery's file, but not write that or beside it, or has no room to. SQLite needs
// to: its log and the locks of that are files of their own.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "doppel/gallery/file_status.h"

namespace doppel::internal {

// Whether this process may write the file and what SQLite keeps beside it.
bool may_change_sqlite(const std::string& path);

enum class GuestReason {
  rights,  // this user may not write
  room,    // this user may, but the disk is full
};

// While somebody who may write has the gallery open, the log and its locks are there, and are read
// as SQLite reads them. Else the file is read by itself for as long as it stays as it is: whoever
// writes into it changes its times. Whom only room is missing reads it by itself or not at all: in
// one process SQLite shares a log that was opened for reading alone with whoever is to write later.
class SqliteGuest {
 public:
  SqliteGuest(std::string path, GuestReason reason) : path_(std::move(path)), reason_(reason) {}

  // What SQLite is to open, by its name as a URI. Waits a moment where the gallery is just being
  // changed. Throws Error(io) where it has to wait longer, or there is no gallery, and DiskFull
  // where there is a log that cannot be read without room.
  std::string uri();
  // Whether what uri() gave reads the file by itself.
  bool by_itself() const { return seen_.has_value(); }
  // Whether uri() would give something else by now. Whoever may write takes the log away with the
  // last session that uses it, and does not see that a guest reads it.
  bool outdated() const;
  // After reading. Throws Error(io) where what was read may be of several states.
  void check_unchanged() const;

 private:
  bool file_changed() const;

  // The log as it was before SQLite opened it. It is held open, or another log might get its inode.
  // Its locks are not: closing them would end those that SQLite has.
  class HeldLog {
   public:
    explicit HeldLog(const std::string& path_of_database);
    ~HeldLog();
    HeldLog(const HeldLog&) = delete;
    HeldLog& operator=(const HeldLog&) = delete;

    bool can_be_read() const { return file_ >= 0 && files_; }
    bool in_place() const;

   private:
    std::string path_;
    int file_;
    std::optional<LogFiles> files_;
  };

  std::string path_;
  GuestReason reason_;
  std::optional<struct stat> seen_;  // of the file that is read by itself
  std::optional<HeldLog> log_;       // else the log
};

}  // namespace doppel::internal
