#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// The largest of size x size values, stride `size`; rows and columns left over are dropped.
struct MaxPool {
  size_t size = 2;

  static constexpr const char* kType = "max_pool";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static MaxPool read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
