// Koch's loss over pairs: a learned, weighted L1 distance becomes the probability that both images
// show one person, and the loss is its cross-entropy with the truth.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"

namespace doppel::internal {

struct LogisticPairLoss {
  double loss = 0;                        // the mean over the pairs
  std::vector<double> energy;             // 1 - p(same) of each pair
  Matrix gradient;                        // of the loss by the embeddings, as large as they
  std::vector<float> parameter_gradient;  // by the weights, then the bias
};

// Koch, Zemel and Salakhutdinov, Siamese neural networks for one-shot image recognition, ICML
// workshop 2015:
//   z = sum over i of w_i |a_i - b_i| + bias,   p = sigmoid(z) = p(same)
//   mean over pairs of  -y log p - (1 - y) log(1 - p),   y = 1 for a genuine pair.
//
// `embeddings` is 2n x d: pair i consists of the rows i and n + i; `genuine` holds n labels,
// `parameters` d weights and then the bias: those of Energy's weighted_l1.
// The gradient by z is (p - y) / n; where a_i = b_i the gradient by both is 0.
// Throws Error(mismatch) where the sizes do not fit.
LogisticPairLoss logistic_pair_loss(const Matrix& embeddings, std::span<const uint8_t> genuine,
                                    std::span<const float> parameters);

// Where training may begin: weights of -1/sqrt(d), so that a difference speaks against one person
// but sigmoid is not yet flat, and a bias of 0.
std::vector<float> initial_logistic_parameters(size_t embedding_size);

}  // namespace doppel::internal
