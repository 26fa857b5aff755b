#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// A flat vector divided by its length: y = x / max(|x|, 1e-12).
struct L2Normalize {
  static constexpr const char* kType = "l2_normalize";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static L2Normalize read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
