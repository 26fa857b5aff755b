// The stages of convolutions. `offset` is where the layer's weight lies in the flat array of
// parameters, its bias, if there is one, behind it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "doppel/nn/drop.h"
#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

// Convolution 3x3 with a bias and a padding of at most 1, ReLU, max-pool 2, perhaps dropout, in one
// pass: the fastest where there are few channels.
std::unique_ptr<Stage> conv_pool_stage(const Shape& in, const Conv& conv, size_t out_size,
                                       size_t offset, std::optional<Drop> drop);

// Any convolution at every place (conv.stride is not looked at), of the shape `out`.
std::unique_ptr<Stage> conv_stage(const Shape& in, const Conv& conv, const Shape& out,
                                  size_t offset);

// Every stride-th row and column: behind a convolution at every place it makes a strided one.
std::unique_ptr<Stage> pick_stage(const Shape& in, const Shape& out, size_t stride);

}  // namespace doppel::internal
