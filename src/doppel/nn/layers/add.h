#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// The shortcut of a residual block (He et al., CVPR 2016): adds what the layer `back` places before
// this one was given. Both must have the same shape.
struct Add {
  size_t back = 1;

  static constexpr const char* kType = "add";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Add read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
