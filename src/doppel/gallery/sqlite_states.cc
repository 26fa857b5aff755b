#include "doppel/gallery/sqlite_states.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <utility>

#include "doppel/error.h"
#include "doppel/gallery/file_status.h"

namespace doppel::internal {
namespace {

constexpr sqlite3_int64 kUserVersionAt = 60;  // in the header of a SQLite file, big-endian

}  // namespace

FileStates::FileStates(SQLite::Database& database, std::string path, bool changes)
    : database_(database),
      path_(std::move(path)),
      unchanged_(changes ? "; nothing was changed" : "") {}

void FileStates::check() {
  if (!in_place()) {
    refuse("the gallery's file was moved, removed or replaced while it was open" + unchanged_ +
           "; start this program again");
  }
  const uint32_t view = in_view();  // first: then the file cannot go beyond what is read
  if (!log_in_place()) {
    refuse("the gallery's log (" + path_ +
           "-wal and -shm), which is a part of it, was removed while it was open" + unchanged_ +
           "; stop what uses the gallery, see what doppel gallery "
           "check says of it, and start again");
  }
  const uint32_t file = in_file();
  if (view != file && !known(file)) {
    refuse("a copy was put over the gallery while it was open, or while its log (" + path_ +
           "-wal) lay beside it" + unchanged_ +
           "; stop what uses the gallery and put the copy in its place by doppel gallery restore");
  }
}

void FileStates::check_if_changed() {
  struct stat now = {};
  const bool there = ::stat(path_.c_str(), &now) == 0;
  if (there && seen_ && same_file(*seen_, now)) return;
  database_.exec("BEGIN");
  struct End {
    SQLite::Database& database;
    ~End() { database.tryExec("ROLLBACK"); }
  } end{database_};
  check();
  if (there) seen_ = now;
}

void FileStates::advance() {
  const uint32_t view = in_view();
  database_.exec("CREATE TABLE IF NOT EXISTS log_states (state INTEGER PRIMARY KEY)");
  const auto keep = [&](uint32_t state) {
    database_.exec("INSERT OR IGNORE INTO log_states VALUES (" + std::to_string(state) + ")");
  };
  if (in_file() == view) {
    database_.exec("DELETE FROM log_states");
    keep(view);
  }
  uint32_t next = view;
  while (next == view || next == 0) sqlite3_randomness(sizeof next, &next);
  keep(next);
  database_.exec("PRAGMA user_version = " + std::to_string(static_cast<int32_t>(next)));
}

bool FileStates::in_place() const {
  int moved = 0;
  sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved == 0;
}

// Whoever opens the gallery next would make another log and other locks, and two would write that
// know nothing of each other. Nobody takes them away rightly while somebody has them open.
bool FileStates::log_in_place() {
  SQLite::Statement mode(database_, "PRAGMA journal_mode");
  if (!mode.executeStep() || mode.getColumn(0).getString() != "wal") return true;
  const std::optional<LogFiles> files = log_files(path_);
  if (!log_files_) log_files_ = files;
  return files && files == log_files_;
}

// By SQLite's own handle: closing another one would end its locks.
uint32_t FileStates::in_file() const {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  unsigned char bytes[4] = {};
  const int code = file->pMethods->xRead(file, bytes, sizeof bytes, kUserVersionAt);
  if (code == SQLITE_IOERR_SHORT_READ) return 0;
  if (code != SQLITE_OK) throw SQLite::Exception("its header cannot be read", SQLITE_IOERR);
  uint32_t state = 0;
  for (const unsigned char byte : bytes) state = state << 8 | byte;
  return state;
}

uint32_t FileStates::in_view() const {
  SQLite::Statement statement(database_, "PRAGMA user_version");
  statement.executeStep();
  return static_cast<uint32_t>(statement.getColumn(0).getInt());
}

// Whether the log leads from this state to what is read.
bool FileStates::known(uint32_t state) const {
  if (log_size(path_) == 0 || !database_.tableExists("log_states")) return false;
  SQLite::Statement statement(database_, "SELECT 1 FROM log_states WHERE state = ?");
  statement.bind(1, static_cast<int64_t>(state));
  return statement.executeStep();
}

// The log is not to be written over a file that it does not belong to.
void FileStates::refuse(const std::string& why) const {
  sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  throw Error(ErrorKind::io, path_ + ": " + why);
}

}  // namespace doppel::internal
