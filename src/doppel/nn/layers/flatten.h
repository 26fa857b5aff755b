#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// Channels x height x width becomes one vector, channel-major.
struct Flatten {
  static constexpr const char* kType = "flatten";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Flatten read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
