#include "doppel/gallery/sqlite_guest.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/file_status.h"

namespace doppel::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWait{2000}, kPause{10};
// Two changes within this may bear the same time.
constexpr milliseconds kFinestTime{50};

bool allowed(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

// False for a time to come, which says nothing.
bool is_just_now(const timespec& time) {
  using std::chrono::system_clock;
  const auto then = system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
  const auto past = system_clock::now() - then;
  return past >= -kFinestTime && past < kFinestTime;
}

}  // namespace

bool may_change_sqlite(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return allowed(path, W_OK) && allowed(folder.empty() ? "." : folder.string(), W_OK);
}

SqliteGuest::HeldLog::HeldLog(const std::string& path_of_database)
    : path_(path_of_database),
      file_(::open((path_of_database + "-wal").c_str(), O_RDONLY | O_CLOEXEC)),
      files_(log_files(path_of_database)) {}

SqliteGuest::HeldLog::~HeldLog() {
  if (file_ >= 0) ::close(file_);
}

bool SqliteGuest::HeldLog::in_place() const {
  struct stat log = {};
  return file_ >= 0 && ::fstat(file_, &log) == 0 && log.st_nlink > 0 && files_ &&
         log_files(path_) == files_;
}

std::string SqliteGuest::uri() {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path_).lexically_normal().string()) {
    uri += c == '?' ? "%3f" : c == '#' ? "%23" : c == '%' ? "%25" : std::string(1, c);
  }
  const auto end = std::chrono::steady_clock::now() + kWait;
  do {
    seen_.reset();
    log_.reset();
    struct stat now = {};
    if (::stat(path_.c_str(), &now) != 0) {
      throw Error(ErrorKind::io, path_ + ": the gallery is gone");
    }
    if (reason_ == GuestReason::rights) {
      log_.emplace(path_);
      if (log_->can_be_read() && allowed(path_ + "-shm", R_OK)) {
        return uri + "?mode=ro&readonly_shm=1";
      }
    }
    const bool at_rest = log_size(path_) == 0 && !allowed(path_ + "-journal", F_OK);
    if (at_rest && !is_just_now(now.st_mtim) && !is_just_now(now.st_ctim)) {
      seen_ = now;
      return uri + "?mode=ro&immutable=1";
    }
    std::this_thread::sleep_for(kPause);
  } while (std::chrono::steady_clock::now() < end);
  if (reason_ == GuestReason::room) {
    throw DiskFull(
        path_ + ": the disk is full; to read what the gallery's log (" + path_ +
        "-wal) holds takes some room beside it, at least 32 kB; make room and try again");
  }
  throw Error(ErrorKind::io, path_ +
                                 ": the gallery is being changed, and this user can neither write "
                                 "it nor read its log (" +
                                 path_ + "-wal); try again");
}

bool SqliteGuest::file_changed() const {
  struct stat now = {};
  return ::stat(path_.c_str(), &now) != 0 || !same_file(*seen_, now);
}

bool SqliteGuest::outdated() const {
  if (seen_) return log_size(path_) > 0 || file_changed();
  return !log_ || !log_->in_place();
}

void SqliteGuest::check_unchanged() const {
  if (!seen_ || !file_changed()) return;
  throw Error(ErrorKind::io,
              path_ + ": the gallery was changed while it was being read; try again");
}

}  // namespace doppel::internal
