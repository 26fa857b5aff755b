// A data set in memory: a folder or a zip archive with one sub-folder per identity becomes images
// of one size, identity by identity, in natural order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/image/perceptual_hash.h"

namespace doppel::internal {

struct Identity {
  std::string name;  // the folder's name: "s1", "Greek/character01"
  size_t first = 0;  // its images are first .. first+count-1 of Dataset::images
  size_t count = 0;
};

struct Dataset {
  std::string source;                      // the folder or archive, or how the images were made
  std::vector<Identity> identities;        // natural order of their names
  std::vector<Image> images;               // natural order within an identity; all of one size
  std::vector<std::string> image_names;    // "s1/1.pgm", one per image
  std::vector<uint32_t> identity_of;       // index into identities, one per image
  std::vector<std::string> image_digests;  // of the images as they were decoded: image_digest()
  // Of the same: perceptual_hashes(), with or without framings.
  std::vector<std::vector<PerceptualHash>> image_hashes;
  std::vector<char> synthetic;     // one per image: drawn by data/synthetic.h; empty: none
  std::vector<std::string> notes;  // what the user should know: resized images, lone images
  std::string digest;  // SHA-256 over identity names, image names and image digests, in order
};

// What a data set may hold at most in pixels, of all images together (2 GB).
inline constexpr size_t kMostDatasetPixels = 500'000'000;

// What every image goes through as soon as it is decoded, before it gets its size: an alignment,
// say.
struct ImagePreparation {
  // Called by the pool's threads, in any order; `name` is the image's path. Nothing: this image
  // waits for `rest`. Empty: images stay as they are.
  std::function<std::optional<Image>(const Image& image, const std::string& name)> first;
  // Of those that wait, when all others are done.
  std::function<Image(const Image& image, const std::string& name)> rest;
  // For the data set's notes, in the end.
  std::function<std::optional<std::string>()> note;
};

struct LoadOptions {
  std::optional<ImageSize> size;            // what every image becomes as soon as it is decoded
  size_t most_pixels = kMostDatasetPixels;  // of what is kept: of the resized images
  ImagePreparation preparation = {};        // digests are of the images as they were decoded
  bool color = false;                       // fill Image::colors, too; such a pixel counts as four
  bool framings = false;  // fill image_hashes as is needed to find copies that were cropped
  // Images that show nothing, as is_blank() of image/content.h says it, are left out, with a note:
  // compared, they would be taken for photos of one person. So are identities that have no others.
  bool leave_out_blank = false;
};

// Reads `source`, a folder or a zip archive; both by the same rules:
// * A folder that holds files and no folders is an identity, each of its files an image. Folders
// may
//   lie in folders ("Greek/character01"), all identities' at one depth. Folders that all identities
//   have in common are left out of their names: an archive of a folder gives what the folder gives.
// * Ignored: hidden files and folders (".x", Thumbs.db, desktop.ini, __MACOSX) everywhere; files
//   beside the identities' folders or those in common (a note tells of images among them); files
//   not named like images beside other folders; folders without files (with a note).
// * An error: images beside a folder that is not ignored; where that is an identity's, it could be
//   either. In folders symbolic links are followed, except back to a folder around them, which is
//   an error; in archives a link, an encrypted file, a name that comes twice or leads out ("../x").
// * Images become `options.size`, by resize(). Without it images of several sizes become the most
//   frequent one, of equally frequent ones the larger, with a note. Identities with one image are
//   kept, and named in a note.
// An archive is read in memory, in blocks; nothing is unpacked to the disk. Images are decoded by
// the pool's threads; the result does not depend on their number, the digests not on the size.
// Throws Error(io) where a folder or file is missing or cannot be read, Error(bad_data) for a
// damaged archive, naming the first file in natural order that is no image (of an archive: of those
// before damage that hides the rest), where there are fewer than two identities, or where there are
// more than options.most_pixels pixels or what listing.h accepts in images and bytes;
// Error(bad_argument) for a size outside size_limits.h.
Dataset load_dataset(const std::filesystem::path& source, ThreadPool& pool,
                     const LoadOptions& options = {});

// The sub-set of the given identities (indices into dataset.identities), in the given order, with
// the digest it would have by itself. Throws Error(bad_argument) for an index that is out of range
// or comes twice.
Dataset select_identities(const Dataset& dataset, std::span<const size_t> identities);

// The same by names. Throws Error(mismatch) naming the names that no identity has,
// Error(bad_argument) for one that comes twice.
Dataset select_identities(const Dataset& dataset, std::span<const std::string> names);

// Prepares the images of a data set that is in memory; their digests, made before, stay.
void prepare_images(Dataset& dataset, const ImagePreparation& preparation, ThreadPool& pool);

// Completes a data set whose identities and images are in place: makes the images' digests and
// hashes (without framings) where there are none, appends the note on identities with one image and
// sets the digest.
void seal(Dataset& dataset);

struct SizeCount {
  int width = 0, height = 0;
  size_t images = 0;
};

struct DataProblem {
  std::filesystem::path file;  // the file or folder it is about
  std::string sentence;        // names it, too
};

// What is in a folder or archive, good and bad.
struct DatasetReport {
  std::string source;
  size_t identities = 0;              // folders of images
  size_t images = 0;                  // files that could be decoded
  size_t least = 0, most = 0;         // images of an identity
  double median = 0;                  // of the images of an identity
  std::vector<SizeCount> sizes;       // the most frequent first
  std::vector<DataProblem> problems;  // why load_dataset would refuse it
  std::vector<std::string> notes;     // what it would note
};

// Looks at everything in `source` as load_dataset would, without stopping at the first problem.
// Throws Error only where load_dataset could not even list it: where it is missing, is neither a
// folder nor an archive, cannot be read or is a damaged archive.
DatasetReport inspect_dataset(const std::filesystem::path& source, ThreadPool& pool);

}  // namespace doppel::internal
