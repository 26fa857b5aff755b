#include "doppel/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what, int error) {
  const std::string message = path.string() + ": " + what + ": " + std::strerror(error);
  if (says_disk_full(error)) throw DiskFull(message);
  throw Error(ErrorKind::io, message);
}

// A file descriptor that closes itself.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

// What has a temporary name; removed unless it was renamed.
struct Temporary {
  std::string name;
  ~Temporary() {
    if (!name.empty()) ::unlink(name.c_str());
  }
};

void write_all(int file, const std::filesystem::path& path, std::string_view bytes) {
  const char* const problem = "cannot be written; what was there before is unchanged";
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path, problem, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  // A device or a pipe has nothing to flush.
  if (::fsync(file) != 0 && errno != EINVAL && errno != EROFS) fail(path, problem, errno);
}

// The first name beside `path` that `take(name)` gets; where it fails for another reason than that
// the name is taken, an empty one, and errno says why.
template <typename Take>
std::string name_beside(const std::filesystem::path& path, const Take& take) {
  for (int i = 0;; ++i) {
    std::string name = path.string() + "." + std::to_string(::getpid()) + "-" + std::to_string(i);
    if (take(name.c_str())) return name;
    if (errno != EEXIST) return {};
  }
}

constexpr mode_t kRights = 0666;  // less what the process's umask takes

}  // namespace

std::string read_file(const std::filesystem::path& path, size_t most_bytes) {
  // Non-blocking, so that a named pipe is refused below instead of waited for.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) fail(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) fail(path, "cannot be examined", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "a file was expected", EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::io, path.string() + ": a regular file was expected");
  }
  const auto too_large = [&] {
    return Error(ErrorKind::bad_data, path.string() + ": larger than the " +
                                          std::to_string(most_bytes) +
                                          " bytes that are accepted here");
  };
  const size_t size = static_cast<size_t>(status.st_size);
  if (size > most_bytes) throw too_large();
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.fd, bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read", errno);
    if (got == 0) break;  // it shrank meanwhile: the format's own checks will say so
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code error;
  const std::filesystem::file_status there = std::filesystem::status(path, error);
  // /dev/null has to stay what it is, also where root writes.
  if (exists(there) && !is_regular_file(there) && !is_directory(there)) {
    const Descriptor special(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (special.fd < 0) fail(path, "cannot be opened", errno);
    write_all(special.fd, path, bytes);
    return;
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  Temporary temporary;
  // A file without a name: whoever kills us leaves nothing.
  const Descriptor unnamed(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kRights));
  if (unnamed.fd >= 0) {
    write_all(unnamed.fd, path, bytes);
    const std::string open_file = "/proc/self/fd/" + std::to_string(unnamed.fd);
    temporary.name = name_beside(path, [&](const char* name) {
      return ::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    });
  }
  if (temporary.name.empty()) {  // this file system has none
    Descriptor named(-1);
    temporary.name = name_beside(path, [&](const char* name) {
      named.fd = ::open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kRights);
      return named.fd >= 0;
    });
    if (temporary.name.empty()) fail(path, "cannot be created", errno);
    write_all(named.fd, path, bytes);
  }
  if (::rename(temporary.name.c_str(), path.c_str()) != 0) {
    fail(path, "cannot be replaced; what was there before is unchanged", errno);
  }
  temporary.name.clear();
  // The rename itself must survive a power cut, too.
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd >= 0) ::fsync(directory.fd);
}

}  // namespace doppel::internal
