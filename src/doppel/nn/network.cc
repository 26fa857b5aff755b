#include "doppel/nn/network.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
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

Shape conv_shape(const Conv& conv, const Shape& in, size_t index) {
  if (conv.filters < 1 || conv.kernel < 1) refuse(index, "conv needs filters and kernel");
  if (conv.kernel > 31) refuse(index, "conv kernels above 31 are not supported");
  if (conv.stride < 1 || conv.stride > 31) refuse(index, "a conv stride lies in 1 .. 31");
  if (conv.padding >= conv.kernel) {
    refuse(index,
           "a conv padding must be smaller than its kernel of " + std::to_string(conv.kernel));
  }
  const size_t height = in.height + 2 * conv.padding, width = in.width + 2 * conv.padding;
  if (conv.kernel > height || conv.kernel > width) {
    refuse(index, "a conv kernel of " + std::to_string(conv.kernel) +
                      " does not fit its input of " + to_string(in));
  }
  return {conv.filters, (height - conv.kernel) / conv.stride + 1,
          (width - conv.kernel) / conv.stride + 1};
}

void need_flat(const Shape& in, size_t index, const char* layer) {
  if (in.height == 1 && in.width == 1) return;
  refuse(index, std::string(layer) + " takes a flat input, not " + to_string(in) +
                    "; put flatten before it");
}

// `shapes` holds what every layer before `index` gives.
Shape output_shape(const Network& network, const std::vector<Shape>& shapes, size_t index) {
  const Shape in = index == 0 ? network.input : shapes.back();
  return std::visit(
      Overloaded{
          [&](const Conv& conv) { return conv_shape(conv, in, index); },
          [&](const MaxPool& pool) {
            if (pool.size < 1 || pool.size > in.height || pool.size > in.width) {
              refuse(index, "a pool of " + std::to_string(pool.size) +
                                " does not fit its input of " + to_string(in));
            }
            return Shape{in.channels, in.height / pool.size, in.width / pool.size};
          },
          [&](const GlobalAveragePool&) {
            return Shape{in.channels, 1, 1};
          },
          [&](const Dropout& dropout) {
            if (!(dropout.rate >= 0 && dropout.rate < 1)) {
              refuse(index, "a dropout rate lies in [0, 1), not " + std::to_string(dropout.rate));
            }
            return in;
          },
          [&](const BatchNorm&) { return in; },
          [&](const Relu&) { return in; },
          [&](const Flatten&) {
            return Shape{in.size(), 1, 1};
          },
          [&](const Dense& dense) {
            if (dense.units < 1) refuse(index, "dense needs units");
            need_flat(in, index, "dense");
            return Shape{dense.units, 1, 1};
          },
          [&](const Add& add) {
            if (add.back < 1 || add.back > index) {
              refuse(index, "add reaches " + std::to_string(add.back) +
                                " layers back, where there are " + std::to_string(index));
            }
            const size_t from = index - add.back;
            const Shape other = from == 0 ? network.input : shapes[from - 1];
            if (other != in) {
              refuse(index, "add needs two values of one shape, not " + to_string(in) + " and " +
                                to_string(other));
            }
            return in;
          },
          [&](const L2Normalize&) {
            need_flat(in, index, "l2_normalize");
            return in;
          },
      },
      network.layers[index]);
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
    shape = output_shape(network, shapes, i);
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
  const auto add = [&](size_t layer, const char* role, std::vector<size_t> shape, TensorKind kind) {
    size_t size = 1;
    for (size_t extent : shape) size *= extent;
    tensors.push_back(
        {std::to_string(layer) + "." + role, std::move(shape), offset, size, layer, kind});
    offset += size;
    if (offset > kMostValues) refuse(layer, "too many parameters");
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Shape& in = i == 0 ? network.input : shapes[i - 1];
    const Layer& layer = network.layers[i];
    if (const auto* conv = std::get_if<Conv>(&layer)) {
      add(i, "weight", {conv->filters, in.channels, conv->kernel, conv->kernel},
          TensorKind::weight);
      if (conv->bias) add(i, "bias", {conv->filters}, TensorKind::bias);
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      add(i, "weight", {dense->units, in.size()}, TensorKind::weight);
      if (dense->bias) add(i, "bias", {dense->units}, TensorKind::bias);
    } else if (std::holds_alternative<BatchNorm>(layer)) {
      add(i, "weight", {in.channels}, TensorKind::bias);
      add(i, "bias", {in.channels}, TensorKind::bias);
      add(i, "running_mean", {in.channels}, TensorKind::statistic);
      add(i, "running_var", {in.channels}, TensorKind::statistic);
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
      const bool one = tensor.name.ends_with(".weight") || tensor.name.ends_with(".running_var");
      std::fill_n(values, tensor.size, one ? 1.0f : 0.0f);
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
    const auto* conv = std::get_if<Conv>(&layer);
    const auto* dense = std::get_if<Dense>(&layer);
    const bool normalised = (conv != nullptr || dense != nullptr) &&
                            i + 1 < network.layers.size() && !wanted[i + 1] &&
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
    if (conv != nullptr) {
      folded.network.layers.push_back(
          Conv{conv->filters, conv->kernel, conv->padding, conv->stride, true});
    } else {
      folded.network.layers.push_back(Dense{dense->units, true});
    }
    ++i;  // the normalisation is gone
    place[i] = folded.network.layers.size();
  }
  return folded;
}

nlohmann::json layers_to_json(const std::vector<Layer>& layers) {
  using nlohmann::json;
  json list = json::array();
  for (const Layer& layer : layers) {
    list.push_back(std::visit(
        Overloaded{
            [](const Conv& conv) {
              return json{{"type", "conv"},        {"filters", conv.filters},
                          {"kernel", conv.kernel}, {"padding", conv.padding},
                          {"stride", conv.stride}, {"bias", conv.bias}};
            },
            [](const BatchNorm&) {
              return json{{"type", "batch_norm"}};
            },
            [](const Relu&) {
              return json{{"type", "relu"}};
            },
            [](const MaxPool& pool) {
              return json{{"type", "max_pool"}, {"size", pool.size}};
            },
            [](const GlobalAveragePool&) {
              return json{{"type", "global_average_pool"}};
            },
            [](const Dropout& dropout) {
              return json{{"type", "dropout"}, {"rate", dropout.rate}};
            },
            [](const Flatten&) {
              return json{{"type", "flatten"}};
            },
            [](const Dense& dense) {
              return json{{"type", "dense"}, {"units", dense.units}, {"bias", dense.bias}};
            },
            [](const Add& add) {
              return json{{"type", "add"}, {"back", add.back}};
            },
            [](const L2Normalize&) {
              return json{{"type", "l2_normalize"}};
            },
        },
        layer));
  }
  return list;
}

nlohmann::json network_to_json(const Network& network) {
  return {{"input", {network.input.channels, network.input.height, network.input.width}},
          {"layers", layers_to_json(network.layers)}};
}

namespace {

size_t count_field(const nlohmann::json& object, const char* field, const std::string& where) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number_unsigned() ||
      found->get<uint64_t>() > kMostValues) {
    throw Error(ErrorKind::bad_data, where + ": \"" + field +
                                         "\" must be a whole number, at most " +
                                         std::to_string(kMostValues));
  }
  return found->get<size_t>();
}

}  // namespace

std::vector<Layer> layers_from_json(const nlohmann::json& list) {
  std::vector<Layer> layers;
  if (!list.is_array()) throw Error(ErrorKind::bad_data, "network: \"layers\" must be a list");
  if (list.size() > 1000) throw Error(ErrorKind::bad_data, "network: more than 1000 layers");
  for (const nlohmann::json& layer : list) {
    const std::string where = std::string("network, layer ").append(std::to_string(layers.size()));
    const bool typed = layer.is_object() && layer.contains("type") && layer.at("type").is_string();
    const std::string type = typed ? layer.at("type").get<std::string>() : "";
    const auto optional_count = [&](const char* name, size_t otherwise) {
      return layer.contains(name) ? count_field(layer, name, where) : otherwise;
    };
    const auto has_bias = [&] {
      if (!layer.contains("bias")) return true;
      if (!layer.at("bias").is_boolean()) {
        throw Error(ErrorKind::bad_data, where + ": \"bias\" is true or false");
      }
      return layer.at("bias").get<bool>();
    };
    if (type == "conv") {
      Conv conv{count_field(layer, "filters", where), count_field(layer, "kernel", where)};
      const nlohmann::json padding = layer.value("padding", nlohmann::json("valid"));
      if (padding == "same" && conv.kernel % 2 == 1) {
        conv.padding = conv.kernel / 2;
      } else if (padding.is_number_unsigned()) {
        conv.padding = count_field(layer, "padding", where);
      } else if (padding != "valid") {
        throw Error(ErrorKind::bad_data, where +
                                             ": \"padding\" is a whole number, \"valid\" or, "
                                             "for an odd kernel, \"same\"");
      }
      conv.stride = optional_count("stride", 1);
      conv.bias = has_bias();
      layers.push_back(conv);
    } else if (type == "batch_norm") {
      layers.push_back(BatchNorm{});
    } else if (type == "relu") {
      layers.push_back(Relu{});
    } else if (type == "max_pool") {
      layers.push_back(MaxPool{count_field(layer, "size", where)});
    } else if (type == "global_average_pool") {
      layers.push_back(GlobalAveragePool{});
    } else if (type == "dropout") {
      if (!layer.contains("rate") || !layer.at("rate").is_number()) {
        throw Error(ErrorKind::bad_data, where + ": \"rate\" must be a number");
      }
      layers.push_back(Dropout{layer.at("rate").get<double>()});
    } else if (type == "flatten") {
      layers.push_back(Flatten{});
    } else if (type == "dense") {
      layers.push_back(Dense{count_field(layer, "units", where), has_bias()});
    } else if (type == "add") {
      layers.push_back(Add{count_field(layer, "back", where)});
    } else if (type == "l2_normalize") {
      layers.push_back(L2Normalize{});
    } else {
      throw Error(
          ErrorKind::bad_data,
          where + ": unknown type \"" + type +
              "\"; known are conv, batch_norm, relu, max_pool, global_average_pool, dropout, "
              "flatten, dense, add, l2_normalize");
    }
  }
  return layers;
}

Network network_from_json(const nlohmann::json& json) {
  const auto list = [&](const char* name) -> const nlohmann::json& {
    if (!json.is_object() || !json.contains(name) || !json[name].is_array()) {
      throw Error(ErrorKind::bad_data, std::string("network: a list \"") + name + "\" is expected");
    }
    return json[name];
  };
  const nlohmann::json& input = list("input");
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
  Network network{{extents[0], extents[1], extents[2]}, layers_from_json(list("layers"))};
  layer_shapes(network);
  return network;
}

}  // namespace doppel::internal
