// A network as a description: the shape of its input and a list of layers with their settings.
// It is stored in the model file as JSON; the engine works from it and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace doppel {

// Channels x height x width; a vector of n features is n x 1 x 1.
struct Shape {
  size_t channels = 1;
  size_t height = 1;
  size_t width = 1;

  size_t size() const { return channels * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

std::string to_string(const Shape& shape);  // "6x27x22"

// The layers. Weights are laid out as PyTorch does, so that a model file loads there as it is.

// Cross-correlation, stride 1. Weight [filters][channels][kernel][kernel], bias [filters].
struct Conv {
  size_t filters = 1;
  size_t kernel = 3;  // odd where `same`
  bool same = false;  // zero padding that keeps height and width; else "valid": none
};
struct Relu {};
// The largest of size x size values, stride `size`; rows and columns left over are dropped.
struct MaxPool {
  size_t size = 2;
};
// In training a value is dropped with probability `rate` and else scaled by 1/(1-rate), anew for
// every image and step (Srivastava et al., JMLR 2014); otherwise the identity.
struct Dropout {
  double rate = 0.5;
};
// Channels x height x width becomes one vector, channel-major.
struct Flatten {};
// Weight [units][inputs], bias [units]; takes a flat input.
struct Dense {
  size_t units = 1;
};

using Layer = std::variant<Conv, Relu, MaxPool, Dropout, Flatten, Dense>;

struct Network {
  Shape input;
  std::vector<Layer> layers;
};

// A learned tensor: where it lies in the flat array of a network's parameters.
struct Tensor {
  std::string name;           // "4.weight": the layer's index and its role, as in PyTorch
  std::vector<size_t> shape;  // outermost first
  size_t offset = 0;          // of its first value
  size_t size = 0;            // product of shape
  size_t layer = 0;
};

// Everything that follows from a description. Both throw Error(bad_data) naming the layer where a
// description is impossible: a kernel larger than its input, a rate outside [0, 1), a network
// without layers, one too large (kMostValues).
std::vector<Shape> layer_shapes(const Network& network);  // the output shape of every layer
std::vector<Tensor> parameter_tensors(const Network& network);

size_t parameter_count(const Network& network);
size_t embedding_size(const Network& network);

// No activation and no parameter array of a described network may be larger: a description comes
// out of a file and must not decide how much memory is taken.
inline constexpr size_t kMostValues = size_t{1} << 28;

// Glorot-uniform weights (Glorot and Bengio, AISTATS 2010: limit sqrt(6 / (fan_in + fan_out)),
// a convolution's fans counted with its kernel area), zero biases.
std::vector<float> glorot_uniform(const Network& network, uint64_t seed);

// {"input": [1, 56, 46], "layers": [{"type": "conv", "filters": 6, ...}, ...]}
nlohmann::json network_to_json(const Network& network);
// The description back, checked as above; throws Error(bad_data) naming the field that is wrong.
Network network_from_json(const nlohmann::json& json);

}  // namespace doppel
