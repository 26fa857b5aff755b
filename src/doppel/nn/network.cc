#include "doppel/nn/network.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/error.h"
#include "doppel/base/random.h"

namespace doppel {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

[[noreturn]] void refuse(size_t layer, const std::string& why) {
  throw Error(ErrorKind::bad_data, "network, layer " + std::to_string(layer) + ": " + why);
}

Shape output_shape(const Layer& layer, const Shape& in, size_t index) {
  return std::visit(
      Overloaded{
          [&](const Conv& conv) {
            if (conv.filters < 1 || conv.kernel < 1) refuse(index, "conv needs filters and kernel");
            if (conv.same && conv.kernel % 2 == 0) {
              refuse(index, "conv with same padding needs an odd kernel, not " +
                                std::to_string(conv.kernel));
            }
            if (conv.kernel > 31) refuse(index, "conv kernels above 31 are not supported");
            if (conv.same) return Shape{conv.filters, in.height, in.width};
            if (conv.kernel > in.height || conv.kernel > in.width) {
              refuse(index, "a conv kernel of " + std::to_string(conv.kernel) +
                                " does not fit its input of " + to_string(in));
            }
            return Shape{conv.filters, in.height - conv.kernel + 1, in.width - conv.kernel + 1};
          },
          [&](const MaxPool& pool) {
            if (pool.size < 1 || pool.size > in.height || pool.size > in.width) {
              refuse(index, "a pool of " + std::to_string(pool.size) +
                                " does not fit its input of " + to_string(in));
            }
            return Shape{in.channels, in.height / pool.size, in.width / pool.size};
          },
          [&](const Dropout& dropout) {
            if (!(dropout.rate >= 0 && dropout.rate < 1)) {
              refuse(index, "a dropout rate lies in [0, 1), not " + std::to_string(dropout.rate));
            }
            return in;
          },
          [&](const Relu&) { return in; },
          [&](const Flatten&) {
            return Shape{in.size(), 1, 1};
          },
          [&](const Dense& dense) {
            if (dense.units < 1) refuse(index, "dense needs units");
            if (in.height != 1 || in.width != 1) {
              refuse(index,
                     "dense takes a flat input, not " + to_string(in) + "; put flatten before it");
            }
            return Shape{dense.units, 1, 1};
          },
      },
      layer);
}

}  // namespace

std::string to_string(const Shape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

std::vector<Shape> layer_shapes(const Network& network) {
  const auto too_large = [](size_t a, size_t b) { return b != 0 && a > kMostValues / b; };
  Shape shape = network.input;
  if (shape.size() == 0 || too_large(shape.channels, shape.height) ||
      too_large(shape.channels * shape.height, shape.width)) {
    throw Error(ErrorKind::bad_data, "network: impossible input shape " + to_string(shape));
  }
  if (network.layers.empty()) throw Error(ErrorKind::bad_data, "network: it has no layers");
  std::vector<Shape> shapes;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    size_t weights_per_output = 0;
    if (const auto* conv = std::get_if<Conv>(&layer)) {
      if (conv->kernel > 31) refuse(i, "conv kernels above 31 are not supported");
      weights_per_output = shape.channels * conv->kernel * conv->kernel;
      if (conv->filters > kMostValues) refuse(i, "too many filters");
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      weights_per_output = shape.size();
      if (dense->units > kMostValues) refuse(i, "too many units");
    }
    shape = output_shape(layer, shape, i);
    if (too_large(shape.channels, shape.height * shape.width) ||
        too_large(shape.channels, weights_per_output)) {
      refuse(i, "larger than the " + std::to_string(kMostValues) + " values that are supported");
    }
    shapes.push_back(shape);
  }
  return shapes;
}

std::vector<Tensor> parameter_tensors(const Network& network) {
  const std::vector<Shape> shapes = layer_shapes(network);
  std::vector<Tensor> tensors;
  size_t offset = 0;
  const auto add = [&](size_t layer, const char* role, std::vector<size_t> shape) {
    size_t size = 1;
    for (size_t extent : shape) size *= extent;
    tensors.push_back({std::to_string(layer) + "." + role, std::move(shape), offset, size, layer});
    offset += size;
    if (offset > kMostValues) refuse(layer, "too many parameters");
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Shape& in = i == 0 ? network.input : shapes[i - 1];
    if (const auto* conv = std::get_if<Conv>(&network.layers[i])) {
      add(i, "weight", {conv->filters, in.channels, conv->kernel, conv->kernel});
      add(i, "bias", {conv->filters});
    } else if (const auto* dense = std::get_if<Dense>(&network.layers[i])) {
      add(i, "weight", {dense->units, in.size()});
      add(i, "bias", {dense->units});
    }
  }
  return tensors;
}

size_t parameter_count(const Network& network) {
  const std::vector<Tensor> tensors = parameter_tensors(network);
  return tensors.empty() ? 0 : tensors.back().offset + tensors.back().size;
}

size_t embedding_size(const Network& network) { return layer_shapes(network).back().size(); }

std::vector<float> glorot_uniform(const Network& network, uint64_t seed) {
  const std::vector<Tensor> tensors = parameter_tensors(network);
  std::vector<float> parameters(parameter_count(network), 0.0f);
  for (const Tensor& tensor : tensors) {
    if (tensor.shape.size() < 2) continue;  // a bias
    const size_t area = tensor.size / (tensor.shape[0] * tensor.shape[1]);
    const double fans = static_cast<double>((tensor.shape[0] + tensor.shape[1]) * area);
    const double limit = std::sqrt(6 / fans);
    Random random(seed, Purpose::weights, static_cast<uint32_t>(tensor.layer));
    for (size_t i = 0; i < tensor.size; ++i) {
      parameters[tensor.offset + i] = static_cast<float>(random.uniform(-limit, limit));
    }
  }
  return parameters;
}

nlohmann::json network_to_json(const Network& network) {
  using nlohmann::json;
  json layers = json::array();
  for (const Layer& layer : network.layers) {
    layers.push_back(std::visit(Overloaded{
                                    [](const Conv& conv) {
                                      return json{{"type", "conv"},
                                                  {"filters", conv.filters},
                                                  {"kernel", conv.kernel},
                                                  {"padding", conv.same ? "same" : "valid"}};
                                    },
                                    [](const Relu&) {
                                      return json{{"type", "relu"}};
                                    },
                                    [](const MaxPool& pool) {
                                      return json{{"type", "max_pool"}, {"size", pool.size}};
                                    },
                                    [](const Dropout& dropout) {
                                      return json{{"type", "dropout"}, {"rate", dropout.rate}};
                                    },
                                    [](const Flatten&) {
                                      return json{{"type", "flatten"}};
                                    },
                                    [](const Dense& dense) {
                                      return json{{"type", "dense"}, {"units", dense.units}};
                                    },
                                },
                                layer));
  }
  return {{"input", {network.input.channels, network.input.height, network.input.width}},
          {"layers", layers}};
}

Network network_from_json(const nlohmann::json& json) {
  const auto count = [](const nlohmann::json& object, const char* field, const std::string& where) {
    const auto found = object.find(field);
    if (found == object.end() || !found->is_number_unsigned() ||
        found->get<uint64_t>() > kMostValues) {
      throw Error(ErrorKind::bad_data, where + ": \"" + field +
                                           "\" must be a whole number, at most " +
                                           std::to_string(kMostValues));
    }
    return found->get<size_t>();
  };
  const auto field = [](const nlohmann::json& object, const char* name) -> const nlohmann::json& {
    if (!object.is_object() || !object.contains(name) || !object[name].is_array()) {
      throw Error(ErrorKind::bad_data, std::string("network: a list \"") + name + "\" is expected");
    }
    return object[name];
  };
  Network network;
  const nlohmann::json& input = field(json, "input");
  if (input.size() != 3) {
    throw Error(ErrorKind::bad_data, "network: \"input\" must be [channels, height, width]");
  }
  size_t extents[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!input[i].is_number_unsigned() || input[i].get<uint64_t>() > kMostValues) {
      throw Error(ErrorKind::bad_data, "network: \"input\" must be three whole numbers");
    }
    extents[i] = input[i].get<size_t>();
  }
  network.input = {extents[0], extents[1], extents[2]};
  const nlohmann::json& layers = field(json, "layers");
  if (layers.size() > 1000) throw Error(ErrorKind::bad_data, "network: more than 1000 layers");
  for (const nlohmann::json& layer : layers) {
    const std::string where = "network, layer " + std::to_string(network.layers.size());
    const bool typed = layer.is_object() && layer.contains("type") && layer.at("type").is_string();
    const std::string type = typed ? layer.at("type").get<std::string>() : "";
    if (type == "conv") {
      const std::string padding = layer.value("padding", nlohmann::json("valid")).dump();
      if (padding != "\"same\"" && padding != "\"valid\"") {
        throw Error(ErrorKind::bad_data, where + ": \"padding\" is \"same\" or \"valid\"");
      }
      network.layers.push_back(Conv{count(layer, "filters", where), count(layer, "kernel", where),
                                    padding == "\"same\""});
    } else if (type == "relu") {
      network.layers.push_back(Relu{});
    } else if (type == "max_pool") {
      network.layers.push_back(MaxPool{count(layer, "size", where)});
    } else if (type == "dropout") {
      if (!layer.contains("rate") || !layer.at("rate").is_number()) {
        throw Error(ErrorKind::bad_data, where + ": \"rate\" must be a number");
      }
      network.layers.push_back(Dropout{layer.at("rate").get<double>()});
    } else if (type == "flatten") {
      network.layers.push_back(Flatten{});
    } else if (type == "dense") {
      network.layers.push_back(Dense{count(layer, "units", where)});
    } else {
      throw Error(ErrorKind::bad_data,
                  where + ": unknown type \"" + type +
                      "\"; known are conv, relu, max_pool, dropout, flatten, dense");
    }
  }
  layer_shapes(network);
  return network;
}

}  // namespace doppel
