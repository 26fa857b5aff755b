#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// Weight [units][inputs], bias [units] where there is one; takes a flat input.
struct Dense {
  size_t units = 1;
  bool bias = true;

  static constexpr const char* kType = "dense";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Dense read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
