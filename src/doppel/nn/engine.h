// Runs a described network on batches of images: embeddings, and the gradients of training.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

// Images are given as pointers to input.size() floats each (channel, row, column). Parameters are
// the flat array that parameter_tensors() describes. Results do not depend on the number of
// threads, nor, where multiply-add is fused, on the instruction set.
//
// One thread at a time may use an engine; it uses the pool's threads. All errors are Error:
// bad_data for an impossible network, mismatch for parameters or gradients of another size.
class Engine {
 public:
  // Keeps a reference to `pool`, which must outlive it.
  Engine(const Network& network, ThreadPool& pool);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Network& network() const;

  // The embeddings, one row for each image: n x embedding_size. No dropout, running statistics. The
  // parameters are prepared for this call alone; inference.h keeps what is prepared.
  Matrix embed(std::span<const float> parameters, std::span<const float* const> images);

  // The same, kept for backward(); with dropout unless `dropout` is null, and with the batch's own
  // statistics where the network normalises.
  Matrix forward(std::span<const float> parameters, std::span<const float* const> images,
                 const DropoutSeed* dropout);

  // After forward() with the same parameters: from the gradient of a loss by the embeddings
  // (n x embedding_size) to its gradient by the parameters, which is overwritten, and, where
  // wanted, by the images (n x input.size()).
  void backward(std::span<const float> parameters, const Matrix& embedding_gradient,
                std::span<float> parameter_gradient, Matrix* image_gradient = nullptr);

  // Moves the running statistics among `parameters` towards those of the last forward()'s batch:
  // running = (1 - momentum) running + momentum batch, the variance with n - 1, as PyTorch does.
  void update_statistics(std::span<float> parameters, double momentum) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

}  // namespace doppel::internal
