#include "doppel/gallery/sqlite_place.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

// 0 where this process may, else errno.
int fault_of(const fs::path& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

std::string user_named(uid_t user) {
  std::array<char, 4096> text;
  passwd entry = {}, *found = nullptr;
  if (::getpwuid_r(user, &entry, text.data(), text.size(), &found) == 0 && found != nullptr) {
    return entry.pw_name;
  }
  return "user number " + std::to_string(user);
}

// Why, and what to do about it.
std::string because(int error, const fs::path& of) {
  std::string why = std::string(" (") + std::strerror(error) + ")";
  if (error == EROFS) {
    return why + "; mount the file system for writing, or copy the gallery to another one";
  }
  struct stat status = {};
  if (error != EACCES || ::stat(of.c_str(), &status) != 0) return why;
  if (status.st_uid == ::geteuid()) return why + "; it is this user's own: chmod allows it";
  return why + "; it belongs to " + user_named(status.st_uid) +
         ": run this as that user, or let them allow it (chmod)";
}

// What keeps this user from what lies in the folder; empty where nothing does.
std::string closed_way(const fs::path& folder) {
  fs::path way;
  for (const fs::path& part : folder) {
    way /= part;
    struct stat status = {};
    if (::stat(way.c_str(), &status) != 0) {
      if (errno == ENOENT) {
        return "there is no folder " + way.string() + "; make it first, or correct the path";
      }
      return way.string() + ": " + std::strerror(errno);
    }
    if (!S_ISDIR(status.st_mode)) return way.string() + " is no folder; correct the path";
    if (const int error = fault_of(way, X_OK); error != 0) {
      return "this user may not enter the folder " + way.string() + because(error, way);
    }
  }
  return {};
}

}  // namespace

void check_sqlite_place(const fs::path& path, Access access) {
  const auto refuse = [&path](const std::string& why) {
    throw Error(ErrorKind::io, path.string() + ": " + why);
  };
  if (path.empty()) {
    throw Error(ErrorKind::bad_argument,
                "gallery: a file's path or a server's URL was expected, not an empty text");
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (const std::string closed = closed_way(folder); !closed.empty()) refuse(closed);
  struct stat status = {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) refuse(std::strerror(errno));
  std::error_code ignored;
  if (!exists && fs::is_symlink(path, ignored)) {
    refuse("a link to a file that is not there; remove it, or make the gallery where it leads to");
  }
  if (exists && !S_ISREG(status.st_mode)) {
    refuse(std::string("a gallery's file was expected, not a ") +
           (S_ISDIR(status.st_mode) ? "folder" : "device"));
  }
  if (access != Access::create) {
    if (!exists) refuse("there is no such gallery; doppel enroll makes one");
    if (status.st_size == 0) refuse("an empty file, no gallery yet; doppel enroll makes one of it");
  }
  if (exists) {
    const int error = fault_of(path, R_OK);
    if (error != 0) refuse("this user may not read the gallery" + because(error, path));
  }
  if (access == Access::read) return;
  if (exists) {
    const int error = fault_of(path, W_OK);
    if (error != 0) {
      refuse("this user may not write the gallery; nothing was changed" + because(error, path));
    }
  }
  // The log lies there.
  if (const int error = fault_of(folder, W_OK); error != 0) {
    refuse("this user may not write into the folder " + folder.string() +
           ", as a gallery that changes has to; nothing was changed" + because(error, folder));
  }
}

}  // namespace doppel::internal
