// Synthetic faces: the product's own stand-in where no data set is at hand. A seed and numbers come
// in, grey drawings in the layout of the AT&T faces go out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "doppel/data/dataset.h"
#include "doppel/image/image.h"

namespace doppel {

// Picture `index` of person `identity`: 92 wide, 112 high, in whole 8-bit levels, the same on every
// machine. Pictures of one person differ in pose, expression, light, glasses and noise. `index` is
// at most 65534. Throws Error(bad_argument).
Image synthetic_face(uint64_t seed, uint32_t identity, uint32_t index);

// Identities "s1", "s2", ... with images "1.pgm", "2.pgm", ...: equal, with its digest, to what
// load_dataset gives for the folder that write_synthetic writes; only `source` differs.
// `identities` >= 2, `images` >= 1, together at most 100,000. Throws Error(bad_argument).
Dataset synthetic_dataset(int identities, int images, uint64_t seed);

// Writes the same as folder/s1/1.pgm and so on. Throws Error(bad_argument) as above and where
// `folder` exists and is not an empty folder, Error(io) where it cannot be written. `before_each`
// picture may throw to end it; what has ended so or otherwise leaves no pictures.
void write_synthetic(const std::filesystem::path& folder, int identities, int images, uint64_t seed,
                     const std::function<void()>& before_each = {});

}  // namespace doppel
