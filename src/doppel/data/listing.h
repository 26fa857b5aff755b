// The files of a data set before any is opened: a folder or a zip archive in, identities with their
// files out, and then the files' bytes, to all threads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"

namespace doppel::internal {

// What a data set may hold at most in images; an archive's files may unpack to so many bytes.
inline constexpr size_t kMostDatasetImages = 1'000'000;
inline constexpr size_t kMostUnpackedBytes = size_t{16} << 30;

struct SourceProblem {
  std::filesystem::path file;  // within an archive: archive.zip/s1/1.png
  Error error;
};

struct IdentityFiles {
  std::string name;                // "s1", "Greek/character01"
  std::vector<std::string> files;  // "1.png", natural order
};

struct Listing {
  std::string top;                        // the folders that all have in common, "images/", or ""
  std::vector<IdentityFiles> identities;  // natural order, each with at least one file
  std::vector<SourceProblem> problems;    // why it is no data set
  std::vector<std::string> notes;         // what the user should know
  size_t files = 0;                       // of all identities together

  // Of all files, identity by identity: the path within the source.
  std::vector<std::string> paths() const;
};

// Lists `source`, a folder or a zip archive, by the rules of load_dataset(). Throws Error(io) where
// it is missing, is neither or cannot be listed, Error(bad_data) where it is a damaged archive; all
// else becomes a problem.
Listing list_source(const std::filesystem::path& source);

// Whether a file is called like a picture of a format that decode_image() reads, "1.PGM".
bool is_image_name(std::string_view file);

// Gives each file's bytes to `use(index, bytes)` on the pool's threads, in any order. A folder's
// files are read by these threads, too; an archive is read from its start to its end, block by
// block, and not behind damage that hides the rest. Returns each file's Error, of reading it or of
// `use`, or nothing.
std::vector<std::optional<Error>> read_each(
    const std::filesystem::path& source, const std::vector<std::string>& paths, ThreadPool& pool,
    const std::function<void(size_t index, std::string_view bytes)>& use);

}  // namespace doppel::internal
