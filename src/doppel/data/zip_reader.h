// A zip archive in, its entries one after the other out, as names and bytes in memory. Nothing is
// ever written; a name is only ever compared.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace doppel::internal {

// Whether a file begins as a zip archive does. Throws Error(io) where it cannot be read.
bool is_zip(const std::filesystem::path& file);

struct ZipEntry {
  std::string name;        // "faces/s1/1.png": no empty part, no "." and no "..", '/' between parts
  bool is_folder = false;  // else a file
  std::string flaw;        // why it cannot be used, in words; empty where it can
};

// Reads through libarchive, which checks every file's size and sum. Owned by one thread at a time.
class ZipReader {
 public:
  // Throws Error(io) where `archive` cannot be opened, Error(bad_data) where it is no zip archive
  // or its table of contents is missing or empty: an archive that was cut anywhere does not open.
  explicit ZipReader(std::filesystem::path archive);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  // Goes to the next entry, in the order of their places in the archive; nullptr behind the last.
  // Links, encrypted files and names that lead out of the archive or cannot be shown have a flaw.
  // Throws Error(bad_data) where the archive is damaged; it can then be read no further.
  const ZipEntry* next();

  // The current file's bytes, once. Throws Error(bad_data) naming archive and entry where they are
  // damaged, encrypted, not what the table of contents says or more than `most_bytes`.
  std::string read(size_t most_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace doppel::internal
