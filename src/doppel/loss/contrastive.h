// The contrastive loss over pairs: genuine pairs are pulled together, impostor pairs pushed apart
// until they are `margin` away from each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"

namespace doppel::internal {

struct PairLoss {
  double loss = 0;               // the mean over the pairs
  std::vector<double> distance;  // of each pair
  Matrix gradient;               // of the loss by the embeddings, as large as they
};

// Hadsell, Chopra and LeCun, CVPR 2006, with distances as they are (the tutorial's form):
//   mean over pairs of  y E^2 + (1 - y) max(margin - E, 0)^2,   y = 1 for a genuine pair.
//
// `embeddings` is 2n x d: pair i consists of the rows i and n + i; `genuine` holds n labels.
// With u = a - b the gradient by a is 2 y u / n, and -2 (1 - y) (margin - E) u / (E n) inside the
// margin; where E = 0 an impostor pair has no direction to be pushed in and gets a gradient of 0.
// Throws Error(mismatch) where the sizes do not fit.
PairLoss contrastive_loss(const Matrix& embeddings, std::span<const uint8_t> genuine,
                          double margin);

}  // namespace doppel::internal
