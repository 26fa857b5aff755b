// Classification of the training identities by the angle to a learned vector for each, with a
// margin that the true identity has to win by. The vectors are thrown away after training.
#pragma once

#include <cstddef>
#include <memory>

#include "doppel/loss/batch_loss.h"

namespace doppel::internal {

// With the angle t_c between an embedding and the vector of class c, and its identity y:
//   mean over the batch of  -log(exp(scale f(t_y)) / (exp(scale f(t_y)) + sum over c != y of
//                                                     exp(scale cos t_c))).
// Embeddings and class vectors are normalised here: they need not be unit vectors, and gradients
// are by what came. A zero vector is at a right angle to everything and has a gradient of 0.
//
// Parameters are [identities][embedding_size], at first unit vectors of random directions. Throws
// Error(mismatch) for embeddings of another size, another number of parameters, an identity that
// is not below `identities`.

// f(t) = cos t - margin. Wang et al., CosFace, CVPR 2018 (there: scale 64, margin 0.35).
std::unique_ptr<BatchLoss> cosine_margin_loss(double scale, double margin, size_t embedding_size,
                                              size_t identities);

// f(t) = cos(t + margin), margin in radians. Deng et al., ArcFace, CVPR 2019 (there: scale 64,
// margin 0.5). For t > pi - margin, where that would rise again, f(t) = cos t - margin sin(margin),
// as in the authors' code. The slope of f by cos t, sin(t + margin) / sin t, has no bound as t goes
// to 0: sin t counts as no less than 0.001 there.
std::unique_ptr<BatchLoss> arc_margin_loss(double scale, double margin, size_t embedding_size,
                                           size_t identities);

// Replaces every x <= 0 by exp(x), to within 2 units of the last place; below -87 as for -87. Plain
// arithmetic in place, so that compilers turn it into vectors.
void exp_of_negative(float* x, size_t n);

}  // namespace doppel::internal
