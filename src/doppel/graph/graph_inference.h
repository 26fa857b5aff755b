// A graph that is ready to run: planned and its weights prepared once, then asked as often as one
// likes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/graph/graph.h"

namespace doppel::internal {

// Nothing of it changes after it is made; several threads may use it at the same time, each with a
// pool of its own. Memory for what is computed is taken for each task that runs, and kept for the
// next ones.
class GraphInference {
 public:
  // Throws as value_shapes() does, Error(mismatch) for weights of another number than
  // graph_tensors() names, Error(bad_data) for values that take more memory than can be meant.
  explicit GraphInference(const Graph& graph);
  ~GraphInference();
  GraphInference(const GraphInference&) = delete;
  GraphInference& operator=(const GraphInference&) = delete;

  size_t output_size() const;

  // What the graph gives for each image, one row each: n x output_size(), [channel][row][column].
  // Images are pointers to the input's values each, [row][column][channel]. A row does not depend
  // on the other images, on threads, or, where multiply-add is fused, on the instruction set.
  Matrix run(std::span<const float* const> images, ThreadPool& pool) const;

 private:
  class Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace doppel::internal
