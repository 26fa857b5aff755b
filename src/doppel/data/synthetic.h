// Synthetic faces: the product's own stand-in where no data set is at hand. A seed and numbers come
// in, grey drawings in the layout of the AT&T faces go out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "doppel/data/dataset.h"
#include "doppel/image/image.h"

namespace doppel::internal {

// Picture `index` of person `identity`: 92 wide, 112 high, in whole 8-bit levels, the same on every
// machine. Pictures of one person differ in pose, expression, light, glasses and noise. `index` is
// at most 65534. Throws Error(bad_argument).
Image synthetic_face(uint64_t seed, uint32_t identity, uint32_t index);

// "s1" of identity 0.
std::string synthetic_name(int identity);
// Throws Error(bad_argument) unless there are at least 2 identities with at least 1 image each,
// together at most 100,000.
void check_synthetic_counts(int identities, int images);

// Identities "s1", "s2", ... with images "1.pgm", "2.pgm", ...: equal, with its digest, to what
// load_dataset gives for the folder that write_synthetic writes; only `source` differs.
// Throws as check_synthetic_counts() does.
Dataset synthetic_dataset(int identities, int images, uint64_t seed);

// Writes the same as folder/s1/1.pgm and so on, marked for is_synthetic_file(). Throws
// Error(bad_argument) as above and where `folder` exists and is not an empty folder, Error(io)
// where it cannot be written. `before_each` picture may throw to end it; what has ended so or
// otherwise leaves no pictures.
void write_synthetic(const std::filesystem::path& folder, int identities, int images, uint64_t seed,
                     const std::function<void()>& before_each = {});

// The same picture as a file's bytes, marked.
std::string synthetic_file(uint64_t seed, uint32_t identity, uint32_t index);

// Whether a file's bytes are those of such a picture: it is marked by a comment, which stays with
// it when it is copied, renamed or packed, and is lost when another program saves it anew. The
// first kSyntheticMarkBytes bytes are enough.
inline constexpr size_t kSyntheticMarkBytes = 64;
bool is_synthetic_file(std::string_view bytes);

// Whether most images of a data set are such pictures.
bool is_synthetic(const Dataset& dataset);

}  // namespace doppel::internal
