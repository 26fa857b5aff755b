// Several photos of one person as one embedding, as of a visit to a camera.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"

namespace doppel::internal {

// The mean of these rows of `embeddings`, at least one, made as long as they are on average, so
// that those of a network that gives unit length have it again. Where they cancel each other it is
// of zeros.
std::vector<float> mean_embedding(const Matrix& embeddings, std::span<const size_t> rows);

}  // namespace doppel::internal
