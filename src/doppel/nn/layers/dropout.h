#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// In training a value is dropped with probability `rate` and else scaled by 1/(1-rate), anew for
// every image and step (Srivastava et al., JMLR 2014); otherwise the identity.
struct Dropout {
  double rate = 0.5;

  static constexpr const char* kType = "dropout";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static Dropout read(const JsonObject& settings);
  void plan(Planner& planner) const;
};

}  // namespace doppel::internal
