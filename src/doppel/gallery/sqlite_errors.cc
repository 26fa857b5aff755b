#include "doppel/gallery/sqlite_errors.h"

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/database.h"

namespace doppel::internal {
namespace {

// The errno of what has just failed: SQLite keeps that of a commit only beside the file.
int failed_errno(sqlite3* connection) {
  if (connection == nullptr) return 0;
  int of_file = 0, of_log = 0;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &of_file);
  sqlite3_file* log = nullptr;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
  }
  for (const int number : {of_log, of_file}) {
    if (says_disk_full(number)) return number;
  }
  return sqlite3_system_errno(connection);
}

// Says that the file is shorter than its header tells; empty where it is not. By SQLite's own
// handle: closing another one would end its locks.
std::string cut_off(sqlite3* connection) {
  sqlite3_file* file = nullptr;
  if (connection != nullptr) {
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  }
  if (file == nullptr || file->pMethods == nullptr) return {};
  // https://www.sqlite.org/fileformat2.html#the_database_header
  std::array<unsigned char, 100> header = {};
  sqlite3_int64 there = 0;
  if (file->pMethods->xFileSize(file, &there) != SQLITE_OK) return {};
  if (file->pMethods->xRead(file, header.data(), sizeof header, 0) != SQLITE_OK) return {};
  const auto number = [&header](size_t at, size_t bytes) {
    int64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | header[at + i];
    return value;
  };
  const int64_t page = number(16, 2) == 1 ? 65536 : number(16, 2);
  const int64_t wanted = page * number(28, 4);
  if (there >= wanted) return {};
  return "; the file is cut off: it has " + std::to_string(there) + " of " +
         std::to_string(wanted) + " bytes";
}

}  // namespace

void throw_sqlite_failure(const SQLite::Exception& failure, const std::string& path, Access access,
                          sqlite3* connection) {
  const std::string unchanged = access == Access::read ? "" : "; nothing was changed";
  const int code = failure.getErrorCode();
  const bool of_file = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  const int number = of_file ? failed_errno(connection) : 0;
  // SQLite knows a disk that is full, but no quota and no limit of a file's size; nor does it say
  // so where there is no room for the locks of its log.
  const bool beyond = says_disk_full(number);
  if (code == SQLITE_FULL || beyond || failure.getExtendedErrorCode() == SQLITE_IOERR_SHMSIZE) {
    throw DiskFull(path + ": the disk is full" +
                   (beyond ? std::string(" (") + std::strerror(number) + ")" : "") + unchanged);
  }
  const std::string why =
      std::string(" (") + failure.what() +
      (of_file && number != 0 ? std::string(": ") + std::strerror(number) : "") + ")";
  const auto refuse = [&path](ErrorKind kind, const std::string& what) {
    throw Error(kind, path + ": " + what);
  };
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      refuse(ErrorKind::io,
             "the gallery is locked by another process that is changing it; try again" + unchanged);
      break;
    case SQLITE_READONLY:
      refuse(ErrorKind::io, "the gallery or its folder is read-only" + unchanged);
      break;
    case SQLITE_NOTADB:
      refuse(ErrorKind::bad_data, "no gallery: it is no SQLite database");
      break;
    case SQLITE_CORRUPT:
      throw DamagedDatabase(path + ": the gallery is damaged" + why + cut_off(connection) +
                            "; doppel gallery restore puts a copy in its place");
    case SQLITE_IOERR:
      refuse(ErrorKind::io, "the gallery cannot be read or written" + why);
      break;
    case SQLITE_CANTOPEN:
      refuse(ErrorKind::io, "the gallery or its log, which lies beside it, cannot be opened" + why);
      break;
    default:
      break;
  }
  throw Error(ErrorKind::io, path + ": the gallery cannot be used" + why);
}

}  // namespace doppel::internal
