// Losses over the Euclidean distances D(i, j) = |x_i - x_j| of all embeddings of a batch. They take
// embeddings as they come; at a distance of 0 a pair has no direction to move in and no gradient.
#pragma once

#include <memory>

#include "doppel/loss/batch_loss.h"

namespace doppel::internal {

// Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006,
// over all pairs i < j:
//   1/2 mean over genuine pairs of D^2  +  1/2 mean over impostor pairs of max(margin - D, 0)^2.
// A batch has many times more impostor than genuine pairs; with a mean for each kind the loss is
// that of as many pairs of either kind (contrastive.h). A kind that is missing adds nothing.
std::unique_ptr<BatchLoss> contrastive_batch_loss(double margin);

// Hermans, Beyer and Leibe, In defense of the triplet loss for person re-identification, 2017,
// "batch hard":
//   mean over anchors a of  max(0, margin + max over genuine p of D(a, p)
//                                         - min over impostors n of D(a, n)).
// Anchors without a genuine or an impostor partner are left out of the mean.
std::unique_ptr<BatchLoss> triplet_batch_hard_loss(double margin);

// Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015, on squared distances:
//   mean over ordered genuine pairs (a, p) of  max(0, margin + D(a, p)^2 - D(a, n)^2),
// where n is the nearest impostor that is further from a than p is ("semi-hard"), and the furthest
// of all impostors where none is. Pairs without any impostor are left out. FaceNet's embeddings
// are unit vectors: the margin is meant for a network that ends in these.
std::unique_ptr<BatchLoss> triplet_semi_hard_loss(double margin);

}  // namespace doppel::internal
