#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// max(x, 0).
struct Relu {
  static constexpr const char* kType = "relu";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Relu read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
