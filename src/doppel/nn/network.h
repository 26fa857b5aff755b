// A network as a description: the shape of its input and a list of layers with their settings.
// It is stored in the model file as JSON; the engine works from it and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "doppel/nn/layer_parts.h"
#include "doppel/nn/layers/add.h"
#include "doppel/nn/layers/batch_norm.h"
#include "doppel/nn/layers/conv.h"
#include "doppel/nn/layers/dense.h"
#include "doppel/nn/layers/dropout.h"
#include "doppel/nn/layers/flatten.h"
#include "doppel/nn/layers/global_average_pool.h"
#include "doppel/nn/layers/l2_normalize.h"
#include "doppel/nn/layers/max_pool.h"
#include "doppel/nn/layers/relu.h"
#include "doppel/nn/layers/relu6.h"

namespace doppel::internal {

// The kinds of layers, one line for each header above.
using Layer = std::variant<Conv, BatchNorm, Relu, Relu6, MaxPool, GlobalAveragePool, Dropout,
                           Flatten, Dense, Add, L2Normalize>;

struct Network {
  Shape input;
  std::vector<Layer> layers;
};

// A tensor: where it lies in the flat array of a network's parameters.
struct Tensor {
  std::string name;           // "4.weight": the layer's index and its role, as in PyTorch
  std::vector<size_t> shape;  // outermost first
  size_t offset = 0;          // of its first value
  size_t size = 0;            // product of shape
  size_t layer = 0;
  TensorKind kind = TensorKind::weight;
  float start = 0;  // the value before training of what is no weight
};

// Everything that follows from a description. Both throw Error(bad_data) naming the layer where a
// description is impossible: a kernel larger than its input, a rate outside [0, 1), a network
// without layers, one too large (kMostValues).
std::vector<Shape> layer_shapes(const Network& network);  // the output shape of every layer
std::vector<Tensor> parameter_tensors(const Network& network);

size_t parameter_count(const Network& network);
size_t embedding_size(const Network& network);

// Weights before training. Biases are 0, a normalisation's scale is 1 and its running mean and
// variance 0 and 1.
enum class Initialisation {
  // Uniform up to sqrt(6 / (fan_in + fan_out)), a convolution's fans counted with its kernel area
  // (Glorot and Bengio, AISTATS 2010).
  glorot_uniform,
  // Normal with standard deviation sqrt(2 / fan_in) (He et al., ICCV 2015).
  he_normal,
};
std::vector<float> initial_parameters(const Network& network, Initialisation initialisation,
                                      uint64_t seed);

// The same function for inference, without the batch normalisations that follow a convolution or a
// dense layer: their scale and shift by the running statistics go into its weights and bias.
struct FoldedNetwork {
  Network network;
  std::vector<float> parameters;
};
// Throws Error(mismatch) for parameters of another size.
FoldedNetwork fold_batch_norm(const Network& network, std::span<const float> parameters);

// {"input": [1, 56, 46], "layers": [{"type": "conv", "filters": 6, ...}, ...]}
nlohmann::json network_to_json(const Network& network);
nlohmann::json layers_to_json(const std::vector<Layer>& layers);
// The description back, checked as above; throws Error(bad_data) naming the field that is wrong.
Network network_from_json(const nlohmann::json& json);
// The list of layers alone, which then may still not fit an input.
std::vector<Layer> layers_from_json(const nlohmann::json& json);

}  // namespace doppel::internal
