// Networks that are ready to embed: planned and prepared once, then asked as often as one likes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/nn/network.h"

namespace doppel::internal {

// One network with several sets of parameters, its members. Nothing of it changes after it is made;
// several threads may use it at the same time, each with a pool of its own. Memory for what is
// computed is taken for each task that runs, and kept for the next ones.
class Inference {
 public:
  // Parameters are those that parameter_tensors() describes. Throws Error(bad_data) for an
  // impossible network, Error(mismatch) for parameters of another number.
  Inference(const Network& network, std::vector<std::vector<float>> members);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  size_t members() const;
  size_t embedding_size() const;

  // The member's embedding of each image, one row each: n x embedding_size(). Images are pointers
  // to input.size() floats each (channel, row, column). No dropout, running statistics. An
  // embedding does not depend on the other images, on threads, or, where multiply-add is fused, on
  // the instruction set.
  Matrix embed(size_t member, std::span<const float* const> images, ThreadPool& pool) const;

 private:
  struct Prepared;
  std::unique_ptr<const Prepared> prepared_;
};

}  // namespace doppel::internal
