// More classes out of those that there are: a drawn character turned by a quarter is another one.
#pragma once

#include "doppel/data/dataset.h"

namespace doppel::internal {

// Each identity "x" followed by "x@90", "x@180" and "x@270": its images turned counter-clockwise by
// so many degrees, under the names "x@90/1.png" and so on (Santoro et al., "Meta-Learning with
// Memory-Augmented Neural Networks", 2016). The digest of a turned image is SHA-256 of that of the
// image and the turn, "...@90": like it, it does not depend on the size that images were loaded at.
// Throws Error(bad_data) where images are not square or four times as many are more than
// kMostDatasetPixels.
Dataset with_rotations(const Dataset& dataset);

}  // namespace doppel::internal
