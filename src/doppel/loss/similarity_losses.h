// Losses over the similarities S(i, j) of all embeddings of a batch. P_i are the other embeddings
// of i's identity, N_i those of all other identities; n is the size of the batch.
#pragma once

#include <memory>
#include <optional>

#include "doppel/loss/batch_loss.h"

namespace doppel::internal {

// Wang, Han, Huang, Dong and Scott, Multi-similarity loss with general pair weighting for deep
// metric learning, CVPR 2019, with S the cosine:
//   1/n sum over i of  1/alpha log(1 + sum over P_i of exp(-alpha (S_ij - base)))
//                    + 1/beta log(1 + sum over N_i of exp(beta (S_ij - base))).
// With `epsilon` pairs are mined: P_i keeps what is less similar than the most similar of N_i plus
// epsilon, N_i what is more similar than the least similar of P_i minus epsilon; where one of the
// two is empty nothing is kept.
// The cosine is taken here: embeddings need not be unit vectors, and the gradient is by what came.
// A zero embedding has similarities and a gradient of 0.
struct MultiSimilarity {
  double alpha = 2, beta = 50, base = 0.5;
  std::optional<double> epsilon = 0.1;
};
std::unique_ptr<BatchLoss> multi_similarity_loss(const MultiSimilarity& settings);

// Khosla et al., Supervised contrastive learning, NeurIPS 2020, equation 2 ("out"), with S the
// cosine, taken as above:
//   mean over i of  -1/|P_i| sum over p in P_i of log(exp(S_ip / temperature)
//                                               / sum over j != i of exp(S_ij / temperature)).
// Embeddings without a genuine partner are left out of the mean, but are j for the others.
std::unique_ptr<BatchLoss> supervised_contrastive_loss(double temperature);

// Sohn, Improved deep metric learning with multi-class N-pair loss objective, NIPS 2016, with S the
// dot product of the embeddings as they come:
//   mean over ordered genuine pairs (a, p) of  log(1 + sum over m of exp(S_am - S_ap))
//   + l2/2 mean over i of |x_i|^2,
// where m are the embeddings that stand at p's place (first, second, ...) among those of every
// other identity. With two embeddings for each identity these are the paper's N pairs, used in both
// directions; in a batch of P x K every pair has P - 1 of them.
std::unique_ptr<BatchLoss> n_pair_loss(double l2);

}  // namespace doppel::internal
