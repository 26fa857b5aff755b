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

namespace doppel::internal {

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

// Cross-correlation of an input with a zero frame of `padding`, at every stride-th place. Weight
// [filters][channels][kernel][kernel], bias [filters] where there is one: before a batch
// normalisation it would have no effect.
struct Conv {
  size_t filters = 1;
  size_t kernel = 3;
  size_t padding = 0;
  size_t stride = 1;
  bool bias = true;
};
// Every channel is shifted and scaled to mean 0 and variance 1 over the images of a training batch
// and their pixels, then to a learned scale and shift (Ioffe and Szegedy, ICML 2015):
// y = weight (x - mean) / sqrt(variance + kNormEpsilon) + bias. In inference mean and variance are
// the running ones of the training. Tensors, each [channels]: weight, bias, running_mean,
// running_var.
struct BatchNorm {};
inline constexpr double kNormEpsilon = 1e-5;
struct Relu {};
// The largest of size x size values, stride `size`; rows and columns left over are dropped.
struct MaxPool {
  size_t size = 2;
};
// The mean of every channel: channels x 1 x 1.
struct GlobalAveragePool {};
// In training a value is dropped with probability `rate` and else scaled by 1/(1-rate), anew for
// every image and step (Srivastava et al., JMLR 2014); otherwise the identity.
struct Dropout {
  double rate = 0.5;
};
// Channels x height x width becomes one vector, channel-major.
struct Flatten {};
// Weight [units][inputs], bias [units] where there is one; takes a flat input.
struct Dense {
  size_t units = 1;
  bool bias = true;
};
// The shortcut of a residual block (He et al., CVPR 2016): adds what the layer `back` places before
// this one was given. Both must have the same shape.
struct Add {
  size_t back = 1;
};
// A flat vector divided by its length: y = x / max(|x|, 1e-12).
struct L2Normalize {};

using Layer = std::variant<Conv, BatchNorm, Relu, MaxPool, GlobalAveragePool, Dropout, Flatten,
                           Dense, Add, L2Normalize>;

struct Network {
  Shape input;
  std::vector<Layer> layers;
};

// What training does with a tensor: weights may decay; biases, and a normalisation's scale and
// shift, may not; statistics are measured, not learned.
enum class TensorKind { weight, bias, statistic };

// A tensor: where it lies in the flat array of a network's parameters.
struct Tensor {
  std::string name;           // "4.weight": the layer's index and its role, as in PyTorch
  std::vector<size_t> shape;  // outermost first
  size_t offset = 0;          // of its first value
  size_t size = 0;            // product of shape
  size_t layer = 0;
  TensorKind kind = TensorKind::weight;
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
