#include "doppel/nn/network.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "doppel/base/json_object.h"
#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostLayers = 1000;

std::string place_of(size_t layer) { return "network, layer " + std::to_string(layer); }

[[noreturn]] void refuse(size_t layer, const std::string& why) {
  throw Error(ErrorKind::bad_data, place_of(layer) + ": " + why);
}

// Whether a * b is above kMostValues.
bool too_large(size_t a, size_t b) { return b != 0 && a > kMostValues / b; }

[[noreturn]] void refuse_size(size_t layer) {
  refuse(layer, "larger than the " + std::to_string(kMostValues) + " values that are supported");
}

}  // namespace

void LayerPlace::refuse(const std::string& why) const { internal::refuse(index(), why); }

void LayerPlace::need_flat(const std::string& layer) const {
  if (input().height == 1 && input().width == 1) return;
  refuse(layer + " takes a flat input, not " + to_string(input()) + "; put flatten before it");
}

std::vector<Shape> layer_shapes(const Network& network) {
  const Shape& input = network.input;
  if (input.size() == 0 || too_large(input.channels, input.height) ||
      too_large(input.channels * input.height, input.width)) {
    throw Error(ErrorKind::bad_data, "network: impossible input shape " + to_string(input));
  }
  if (network.layers.empty()) throw Error(ErrorKind::bad_data, "network: it has no layers");
  std::vector<Shape> given = {input};
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const auto shape_behind = [&](const auto& layer) { return layer.output_shape({given}); };
    const Shape shape = std::visit(shape_behind, network.layers[i]);
    if (too_large(shape.channels, shape.height) ||
        too_large(shape.channels * shape.height, shape.width)) {
      refuse_size(i);
    }
    given.push_back(shape);
  }
  given.erase(given.begin());
  return given;
}

std::vector<Tensor> parameter_tensors(const Network& network) {
  const std::vector<Shape> shapes = layer_shapes(network);
  std::vector<Tensor> tensors;
  size_t offset = 0;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Shape& in = i == 0 ? network.input : shapes[i - 1];
    const auto tensors_of = [&](const auto& layer) { return layer.tensors(in); };
    for (LayerTensor& tensor : std::visit(tensors_of, network.layers[i])) {
      size_t size = 1;
      for (const size_t extent : tensor.shape) {
        if (too_large(size, extent)) refuse_size(i);
        size *= extent;
      }
      tensors.push_back({std::to_string(i) + "." + tensor.role, std::move(tensor.shape), offset,
                         size, i, tensor.kind, tensor.start});
      offset += size;
      if (offset > kMostValues) refuse(i, "too many parameters");
    }
  }
  return tensors;
}

size_t parameter_count(const Network& network) {
  const std::vector<Tensor> tensors = parameter_tensors(network);
  return tensors.empty() ? 0 : tensors.back().offset + tensors.back().size;
}

size_t embedding_size(const Network& network) { return layer_shapes(network).back().size(); }

std::vector<float> initial_parameters(const Network& network, Initialisation initialisation,
                                      uint64_t seed) {
  const std::vector<Tensor> tensors = parameter_tensors(network);
  std::vector<float> parameters(parameter_count(network), 0.0f);
  for (const Tensor& tensor : tensors) {
    float* values = parameters.data() + tensor.offset;
    if (tensor.kind != TensorKind::weight) {
      std::fill_n(values, tensor.size, tensor.start);
      continue;
    }
    const size_t area = tensor.size / (tensor.shape[0] * tensor.shape[1]);
    const auto fan_in = static_cast<double>(tensor.shape[1] * area);
    const auto fan_out = static_cast<double>(tensor.shape[0] * area);
    Random random(seed, Purpose::weights, static_cast<uint32_t>(tensor.layer));
    const double limit = std::sqrt(6 / (fan_in + fan_out)), deviation = std::sqrt(2 / fan_in);
    for (size_t i = 0; i < tensor.size; ++i) {
      values[i] = static_cast<float>(initialisation == Initialisation::glorot_uniform
                                         ? random.uniform(-limit, limit)
                                         : deviation * random.normal());
    }
  }
  return parameters;
}

namespace {

// The same layer with a bias; nothing of one that can have none.
std::optional<Layer> with_bias(const Layer& layer) {
  return std::visit(
      [](auto copy) -> std::optional<Layer> {
        if constexpr (requires { copy.bias = true; }) {
          copy.bias = true;
          return copy;
        } else {
          return {};
        }
      },
      layer);
}

}  // namespace

FoldedNetwork fold_batch_norm(const Network& network, std::span<const float> parameters) {
  const std::vector<Tensor> tensors = parameter_tensors(network);
  if (parameters.size() != parameter_count(network)) {
    throw Error(ErrorKind::mismatch, "fold_batch_norm: the network has " +
                                         std::to_string(parameter_count(network)) +
                                         " parameters, not " + std::to_string(parameters.size()));
  }
  const auto tensor = [&](size_t layer, const char* role) {
    const std::string name = std::to_string(layer) + "." + role;
    for (const Tensor& t : tensors) {
      if (t.name == name) return parameters.subspan(t.offset, t.size);
    }
    return std::span<const float>();
  };
  // A shortcut that begins between a layer and its normalisation needs the value there.
  std::vector<bool> wanted(network.layers.size() + 1, false);  // the value before layer i
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (const auto* add = std::get_if<Add>(&network.layers[i])) wanted[i - add->back] = true;
  }
  FoldedNetwork folded{{network.input, {}}, {}};
  folded.parameters.reserve(parameters.size());
  std::vector<size_t> place(network.layers.size() + 1, 0);  // of the value before layer i
  const auto append = [&](std::span<const float> values) {
    folded.parameters.insert(folded.parameters.end(), values.begin(), values.end());
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    place[i] = folded.network.layers.size();
    Layer layer = network.layers[i];
    const std::optional<Layer> biased = with_bias(layer);
    const bool normalised = biased && i + 1 < network.layers.size() && !wanted[i + 1] &&
                            std::holds_alternative<BatchNorm>(network.layers[i + 1]);
    if (!normalised) {
      if (auto* add = std::get_if<Add>(&layer)) add->back = place[i] - place[i - add->back];
      folded.network.layers.push_back(layer);
      for (const Tensor& t : tensors) {
        if (t.layer == i) append(parameters.subspan(t.offset, t.size));
      }
      continue;
    }
    std::span<const float> weight = tensor(i, "weight"), bias = tensor(i, "bias");
    const auto scale = tensor(i + 1, "weight"), shift = tensor(i + 1, "bias");
    const auto mean = tensor(i + 1, "running_mean"), variance = tensor(i + 1, "running_var");
    const size_t outputs = scale.size(), inputs = weight.size() / outputs;
    std::vector<float> new_bias(outputs);
    for (size_t f = 0; f < outputs; ++f) {
      const double factor = scale[f] / std::sqrt(double{variance[f]} + kNormEpsilon);
      for (size_t k = 0; k < inputs; ++k) {
        folded.parameters.push_back(static_cast<float>(weight[f * inputs + k] * factor));
      }
      const double old_bias = bias.empty() ? 0.0 : double{bias[f]};
      new_bias[f] = static_cast<float>(shift[f] + (old_bias - mean[f]) * factor);
    }
    append(new_bias);
    folded.network.layers.push_back(*biased);
    ++i;  // the normalisation is gone
    place[i] = folded.network.layers.size();
  }
  return folded;
}

nlohmann::json layers_to_json(const std::vector<Layer>& layers) {
  nlohmann::json list = nlohmann::json::array();
  for (const Layer& layer : layers) {
    const auto settings_of = [](const auto& kind) {
      nlohmann::json settings = {{"type", kind.kType}};
      kind.write(settings);
      return settings;
    };
    list.push_back(std::visit(settings_of, layer));
  }
  return list;
}

nlohmann::json network_to_json(const Network& network) {
  return {{"input", {network.input.channels, network.input.height, network.input.width}},
          {"layers", layers_to_json(network.layers)}};
}

namespace {

// The layer where `object` is of its kind. Settings that it does not have are refused.
template <typename Kind>
std::optional<Layer> read_kind(const JsonObject& object) {
  if (object.text("type") != Kind::kType) return {};
  const Kind layer = Kind::read(object);
  nlohmann::json settings = nlohmann::json::object();
  layer.write(settings);
  std::vector<std::string> known = {"type"};
  for (const auto& [key, value] : settings.items()) known.push_back(key);
  object.expect_only(known);
  return layer;
}

template <typename... Kinds>
Layer read_layer(const JsonObject& object, const std::variant<Kinds...>* /*kinds*/) {
  std::optional<Layer> layer;
  static_cast<void>(((layer = read_kind<Kinds>(object)) || ...));
  if (layer) return *layer;
  std::string names;
  ((names.append(names.empty() ? "" : ", ").append(Kinds::kType)), ...);
  object.refuse("type", "one of " + names);
}

}  // namespace

std::vector<Layer> layers_from_json(const nlohmann::json& list) {
  if (!list.is_array()) throw Error(ErrorKind::bad_data, "network: \"layers\" must be a list");
  if (list.size() > kMostLayers) {
    throw Error(ErrorKind::bad_data,
                "network: more than " + std::to_string(kMostLayers) + " layers");
  }
  std::vector<Layer> layers;
  for (const nlohmann::json& settings : list) {
    constexpr const Layer* kKinds = nullptr;
    layers.push_back(read_layer(JsonObject(settings, place_of(layers.size())), kKinds));
  }
  return layers;
}

Network network_from_json(const nlohmann::json& json) {
  const JsonObject object(json, "network");
  const std::vector<size_t> input = object.whole_numbers("input", kMostValues);
  if (input.size() != 3) object.refuse("input", "[channels, height, width]");
  Network network{{input[0], input[1], input[2]}, layers_from_json(object.list("layers"))};
  parameter_tensors(network);  // throws where the network is impossible
  return network;
}

}  // namespace doppel::internal
