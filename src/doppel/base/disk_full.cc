#include "doppel/base/disk_full.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace doppel::internal {

bool says_disk_full(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

void check_room(const std::filesystem::path& folder, size_t bytes) {
  std::string name = (folder / ".room.XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  int error = errno;
  if (file >= 0) {
    ::unlink(name.c_str());
    error = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    ::close(file);
    if (error == 0) return;
  }
  const std::string why = folder.string() + ": nothing can be written there: ";
  if (says_disk_full(error)) throw DiskFull(why + std::strerror(error));
  throw Error(ErrorKind::io, why + std::strerror(error));
}

}  // namespace doppel::internal
