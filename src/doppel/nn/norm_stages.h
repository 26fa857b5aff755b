// The stages that the kernels of batch normalisation run.
#pragma once

#include <cstddef>
#include <memory>

#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

// Batch normalisation, perhaps with a shortcut added, ReLU and max-pool 2 behind it. `offset` is
// where its four tensors begin in the flat array of parameters.
std::unique_ptr<Stage> norm_stage(const Shape& in, const Shape& out, size_t offset, bool relu,
                                  bool pool);

// ReLU and max-pool 2.
std::unique_ptr<Stage> relu_pool_stage(const Shape& in, const Shape& out);

}  // namespace doppel::internal
