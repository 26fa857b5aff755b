#include "doppel/nn/planner.h"

#include <utility>

namespace doppel::internal {

Planner::Planner(const Network& network)
    : network_(network),
      given_{network.input},
      parameters_(network.layers.size(), 0),
      shortcut_from_(network.layers.size() + 1, false),
      made_by_(network.layers.size() + 1, kImages) {
  for (const Shape& shape : layer_shapes(network)) given_.push_back(shape);
  const std::vector<Tensor> tensors = parameter_tensors(network);
  for (auto tensor = tensors.rbegin(); tensor != tensors.rend(); ++tensor) {
    parameters_[tensor->layer] = tensor->offset;
  }
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (const auto* add = std::get_if<Add>(&network.layers[i])) {
      shortcut_from_[i - add->back] = true;
    }
  }
}

std::vector<PlannedStage> Planner::plan() {
  while (next_ < network_.layers.size()) {
    index_ = next_++;
    std::visit([this](const auto& layer) { layer.plan(*this); }, network_.layers[index_]);
    if (!stages_.empty()) made_by_[next_] = stages_.size() - 1;
  }
  return std::move(stages_);
}

std::vector<PlannedStage> plan_stages(const Network& network) { return Planner(network).plan(); }

}  // namespace doppel::internal
