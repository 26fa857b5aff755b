// No room on a disk, or within a quota or a limit of files' sizes: what people are told, and what
// becomes possible again by itself.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {

// An Error(io) that callers can tell from the others.
class DiskFull : public Error {
 public:
  explicit DiskFull(const std::string& message) : Error(ErrorKind::io, message) {}
};

// Whether this is what errno says of a write.
bool says_disk_full(int error);

// Throws DiskFull where `folder` has no room for a file of `bytes`, and Error(io) where that cannot
// be tried. Tried with a file that nobody sees.
void check_room(const std::filesystem::path& folder, size_t bytes);

}  // namespace doppel::internal
