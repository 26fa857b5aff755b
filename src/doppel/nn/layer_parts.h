// What every layer has. A layer is a struct of its settings in layers/, which says
//   kType                 its name in JSON
//   output_shape(place)   the shape of what it gives; throws where it does not fit its place
//   tensors(input)        its parameters, laid out as PyTorch does, so that a model file loads
//   there
//                         as it is
//   write(json)           its settings
//   read(object)          and back
//   plan(planner)         the stage that computes it, perhaps together with layers behind it
// and is one of the kinds of `Layer` in network.h. The ONNX writer (model/onnx_export.cc) and the
// tests' oracles (reference.h, torch_network.h) have a case for each kind, without a default: a
// layer that one of them forgets does not compile.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "doppel/nn/shape.h"

namespace doppel::internal {

class JsonObject;
class Planner;

// What training does with a tensor: weights may decay; biases, and a normalisation's scale and
// shift, may not; statistics are measured, not learned.
enum class TensorKind { weight, bias, statistic };

// A parameter of a layer.
struct LayerTensor {
  std::string role;           // "weight", as in PyTorch
  std::vector<size_t> shape;  // outermost first
  TensorKind kind = TensorKind::weight;
  float start = 0;  // the value before training of what is no weight
};

// Where a layer stands in its network.
struct LayerPlace {
  std::span<const Shape> given;  // what each layer up to this one is given

  size_t index() const { return given.size() - 1; }
  const Shape& input() const { return given.back(); }
  // Throws Error(bad_data), "network, layer 3: why".
  [[noreturn]] void refuse(const std::string& why) const;
  void need_flat(const std::string& layer) const;
};

}  // namespace doppel::internal
