// Whole files in and out: reading is bounded, writing is all or nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace doppel::internal {

// The bytes of `path`. Throws Error(io) naming the file where it is missing, is no regular file or
// cannot be read, Error(bad_data) where it is larger than `most_bytes`.
std::string read_file(const std::filesystem::path& path, size_t most_bytes);

// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it: after
// any failure (full disk, kill) `path` holds what it held before, and nothing lies beside it; a
// kill leaves the temporary file only on file systems without files that have no name (O_TMPFILE).
// Throws Error(io). What is no file, as a device or a pipe, is written into.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace doppel::internal
