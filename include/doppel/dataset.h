// People and their photos, to train on or to measure with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace doppel {

namespace internal {
struct PublicAccess;
struct DatasetSource;
}  // namespace internal

// Who there is, and where their photos are; these are read when they are trained on or measured, at
// the size and in the colours that this takes. Immutable and cheap to copy; several threads may use
// one at the same time.
class Dataset {
 public:
  // Also instead of a move, so that none is ever empty.
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;

  // A folder or a zip archive with a sub-folder of images (PGM, PPM, PNG, JPEG, WebP) for each
  // person. Every file in such a folder counts as one; what is no image is said when it is read.
  // Throws Error(io) where there is no folder or archive or it cannot be read, Error(bad_data)
  // where an archive is damaged, for folders that are an image's and a person's parent at once, and
  // for fewer than two people.
  static Dataset load(const std::filesystem::path& source);

  // Faces that Doppel draws, "s1", "s2" and so on: to try things out. At least two people, at least
  // one photo of each, 100,000 photos at most; else throws Error(bad_argument).
  static Dataset synthetic(int people, int photos, uint64_t seed);

  // Names, in natural order ("s2" before "s10").
  std::vector<std::string> people() const;
  size_t photos() const;  // of all of them

  // These people alone. Throws Error(mismatch) naming whom there is not, Error(bad_argument) for a
  // name that comes twice and for fewer than two people.
  Dataset select(std::span<const std::string> people) const;
  Dataset select(std::initializer_list<std::string> people) const {
    return select(std::span<const std::string>(people.begin(), people.size()));
  }

 private:
  friend struct internal::PublicAccess;
  explicit Dataset(std::shared_ptr<const internal::DatasetSource> source);
  std::shared_ptr<const internal::DatasetSource> source_;
};

}  // namespace doppel
