#pragma once

#include "doppel/nn/layer_parts.h"

namespace doppel::internal {

// Every channel is shifted and scaled to mean 0 and variance 1 over the images of a training batch
// and their pixels, then to a learned scale and shift (Ioffe and Szegedy, ICML 2015):
// y = weight (x - mean) / sqrt(variance + kNormEpsilon) + bias. In inference mean and variance are
// the running ones of the training. Tensors, each [channels]: weight, bias, running_mean,
// running_var.
struct BatchNorm {
  static constexpr const char* kType = "batch_norm";
  Shape output_shape(const LayerPlace& place) const;
  std::vector<LayerTensor> tensors(const Shape& input) const;
  void write(nlohmann::json& settings) const;
  static BatchNorm read(const JsonObject& settings);
  void plan(Planner& planner) const;
};
inline constexpr double kNormEpsilon = 1e-5;

}  // namespace doppel::internal
