// A data set in memory: a folder with one sub-folder per identity becomes images of one size,
// identity by identity, in natural order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"

namespace doppel {

struct Identity {
  std::string name;  // the sub-folder's name
  size_t first = 0;  // its images are first .. first+count-1 of Dataset::images
  size_t count = 0;
};

struct Dataset {
  std::string source;                    // the folder, or how the images were made
  std::vector<Identity> identities;      // natural order of their names
  std::vector<Image> images;             // natural order within an identity; all of one size
  std::vector<std::string> image_names;  // "s1/1.pgm", one per image
  std::vector<uint32_t> identity_of;     // index into identities, one per image
  std::vector<std::string> notes;        // what the user should know: resized images, lone images
  std::string digest;  // SHA-256 over identity names, image names and decoded pixels, in order
};

// What a data set may hold at most in images and, together, in pixels (2 GB of them).
inline constexpr size_t kMostDatasetImages = 1'000'000;
inline constexpr size_t kMostDatasetPixels = 500'000'000;

// Reads `folder`: each of its sub-folders is an identity, each file in one of them an image.
// * Ignored: hidden files and folders (".x", Thumbs.db, desktop.ini) everywhere, other files beside
//   the sub-folders (a note tells of images among them), sub-folders without files (with a note).
// * Symbolic links are followed; a sub-folder of an identity is an error, so that no loop is run.
// * Images of several sizes are resized to the most frequent one, of equally frequent ones the
//   larger, with a note. Identities with one image are kept, and named in a note.
// Images are decoded by the pool's threads; the result does not depend on their number.
// Throws Error(io) where a folder or file is missing or cannot be read, Error(bad_data) naming the
// first file in natural order that is no image, where there are fewer than two identities, or where
// there are more than kMostDatasetImages images or `most_pixels` pixels.
Dataset load_dataset(const std::filesystem::path& folder, ThreadPool& pool,
                     size_t most_pixels = kMostDatasetPixels);

// The sub-set of the given identities (indices into dataset.identities), in the given order, with
// the digest it would have by itself. Throws Error(bad_argument) for an index that is out of range
// or comes twice.
Dataset select_identities(const Dataset& dataset, std::span<const size_t> identities);

// Completes a data set whose identities and images are in place: appends the note on identities
// with one image and sets the digest.
void seal(Dataset& dataset);

struct SizeCount {
  int width = 0, height = 0;
  size_t images = 0;
};

struct DataProblem {
  std::filesystem::path file;  // the file or folder it is about
  std::string sentence;        // names it, too
};

// What is in a folder, good and bad.
struct DatasetReport {
  std::string source;
  size_t identities = 0;              // sub-folders with files in them
  size_t images = 0;                  // files that could be decoded
  size_t least = 0, most = 0;         // images of an identity
  double median = 0;                  // of the images of an identity
  std::vector<SizeCount> sizes;       // the most frequent first
  std::vector<DataProblem> problems;  // why load_dataset would refuse it
  std::vector<std::string> notes;     // what it would note
};

// Looks at everything in `folder` as load_dataset would, without stopping at the first problem.
// Throws Error(io) only where `folder` is missing, is no folder or cannot be listed.
DatasetReport inspect_dataset(const std::filesystem::path& folder);

}  // namespace doppel
