#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// Cross-correlation of an input with a zero frame of `padding`, at every stride-th place. Weight
// [filters][channels][kernel][kernel], bias [filters] where there is one: before a batch
// normalisation it would have no effect.
struct Conv {
  size_t filters = 1;
  size_t kernel = 3;
  size_t padding = 0;
  size_t stride = 1;
  bool bias = true;

  static constexpr const char* kType = "conv";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Conv read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
