#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// min(max(x, 0), 6) (Sandler et al., "MobileNetV2", CVPR 2018).
struct Relu6 {
  static constexpr const char* kType = "relu6";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Relu6 read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
