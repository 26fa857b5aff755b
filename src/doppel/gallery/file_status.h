// For SQLite's files: whether one is still what it was.
#pragma once

#include <sys/stat.h>

#include <array>
#include <optional>
#include <string>

namespace doppel::internal {

// The same file, not written into between the two. Times are as fine as the file system's.
inline bool same_file(const struct stat& a, const struct stat& b) {
  const auto same_time = [](const timespec& x, const timespec& y) {
    return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
  };
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         same_time(a.st_mtim, b.st_mtim) && same_time(a.st_ctim, b.st_ctim);
}

// 0 where there is none.
inline off_t log_size(const std::string& path_of_database) {
  struct stat log = {};
  return ::stat((path_of_database + "-wal").c_str(), &log) == 0 ? log.st_size : 0;
}

// Which files the log and its locks are; nothing where one of them is missing.
using LogFiles = std::array<ino_t, 2>;
inline std::optional<LogFiles> log_files(const std::string& path_of_database) {
  struct stat log = {}, locks = {};
  if (::stat((path_of_database + "-wal").c_str(), &log) != 0 ||
      ::stat((path_of_database + "-shm").c_str(), &locks) != 0) {
    return {};
  }
  return LogFiles{log.st_ino, locks.st_ino};
}

}  // namespace doppel::internal
