// ReLU, dropout, or the one after the other.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "doppel/nn/drop.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

class Planner;

std::unique_ptr<Stage> activation_stage(size_t size, bool relu, std::optional<Drop> drop);

// The dropout behind the layers that a stage takes, where there is one.
std::optional<Drop> take_dropout(Planner& planner);

}  // namespace doppel::internal
