// The stage of a dense layer.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "doppel/nn/drop.h"
#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

// Dense, perhaps with ReLU and dropout behind it. `offset` is where its weight lies in the flat
// array of parameters, its bias, if there is one, behind it.
std::unique_ptr<Stage> dense_stage(size_t in_size, const Dense& dense, size_t offset, bool relu,
                                   std::optional<Drop> drop);

}  // namespace doppel::internal
