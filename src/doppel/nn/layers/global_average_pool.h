#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// The mean of every channel: channels x 1 x 1.
struct GlobalAveragePool {
  static constexpr const char* kType = "global_average_pool";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static GlobalAveragePool read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
