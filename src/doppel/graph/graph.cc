#include "doppel/graph/graph.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "doppel/base/json_object.h"
#include "doppel/base/overloaded.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostNodes = 10'000;
constexpr size_t kMostExtent = size_t{1} << 16;  // of a window, a stride, a frame, or a side

[[noreturn]] void refuse(size_t node, const std::string& why) {
  throw Error(ErrorKind::bad_data, "graph, node " + std::to_string(node) + ": " + why);
}

void check_size(size_t node, const Shape& shape) {
  const auto within = [](size_t extent) { return extent >= 1 && extent <= kMostValues; };
  if (within(shape.channels) && within(shape.height) && within(shape.width) &&
      shape.channels <= kMostValues / shape.height &&
      shape.channels * shape.height <= kMostValues / shape.width) {
    return;
  }
  refuse(node, "a value of " + to_string(shape) + " is empty or too large");
}

// How many windows fit along an axis.
size_t windows(size_t node, size_t extent, size_t size, size_t stride) {
  if (size < 1 || stride < 1 || size > kMostExtent || stride > kMostExtent) {
    refuse(node, "windows and strides from 1 to " + std::to_string(kMostExtent) + " were expected");
  }
  if (size > extent) {
    refuse(node, "a window of " + std::to_string(size) + " does not fit into " +
                     std::to_string(extent) + " values");
  }
  return (extent - size) / stride + 1;
}

template <typename Pooling>
Shape pooled(size_t node, const Pooling& pooling, const Shape& in) {
  return {in.channels, windows(node, in.height, pooling.size, pooling.stride),
          windows(node, in.width, pooling.size, pooling.stride)};
}

Shape output_shape(size_t node, const Operator& op, std::span<const Shape> in) {
  const size_t wanted = std::holds_alternative<Sum>(op) ? 2 : 1;
  if (in.size() != wanted) {
    refuse(node,
           std::to_string(wanted) + " inputs were expected, not " + std::to_string(in.size()));
  }
  return std::visit(
      Overloaded{
          [&](const Convolution& c) -> Shape {
            if (c.padding > kMostExtent) refuse(node, "its padding is too large");
            return {c.filters, windows(node, in[0].height + 2 * c.padding, c.kernel, c.stride),
                    windows(node, in[0].width + 2 * c.padding, c.kernel, c.stride)};
          },
          [&](const MaxPooling& p) -> Shape { return pooled(node, p, in[0]); },
          [&](const AveragePooling& p) -> Shape { return pooled(node, p, in[0]); },
          [&](const GlobalAverage&) -> Shape {
            return {in[0].channels, 1, 1};
          },
          [&](const Rectifier&) -> Shape { return in[0]; },
          [&](const Sum&) -> Shape {
            return {std::max(in[0].channels, in[1].channels), std::max(in[0].height, in[1].height),
                    std::max(in[0].width, in[1].width)};
          },
          [&](const Projection& p) -> Shape {
            if (in[0].height * in[0].width != 1) refuse(node, "one pixel was expected");
            return {p.outputs, 1, 1};
          }},
      op);
}

// Of its weight and its bias, none where it has none.
std::pair<std::vector<size_t>, std::vector<size_t>> weight_shapes(const Operator& op,
                                                                  const Shape& in) {
  if (const auto* c = std::get_if<Convolution>(&op)) {
    return {{c->filters, in.channels, c->kernel, c->kernel}, {c->filters}};
  }
  if (const auto* p = std::get_if<Projection>(&op)) return {{p->outputs, in.channels}, {}};
  return {};
}

const char* name_of(const Operator& op) {
  return std::visit(
      Overloaded{[](const Convolution&) { return "convolution"; },
                 [](const MaxPooling&) { return "max_pooling"; },
                 [](const AveragePooling&) { return "average_pooling"; },
                 [](const GlobalAverage&) { return "global_average"; },
                 [](const Rectifier&) { return "rectifier"; }, [](const Sum&) { return "sum"; },
                 [](const Projection&) { return "projection"; }},
      op);
}

json operator_to_json(const Operator& op) {
  json result = {{"operator", name_of(op)}};
  const auto pooling = [&](const auto& p) {
    result["size"] = p.size;
    result["stride"] = p.stride;
  };
  std::visit(Overloaded{[&](const Convolution& c) {
                          result["filters"] = c.filters;
                          result["kernel"] = c.kernel;
                          result["stride"] = c.stride;
                          result["padding"] = c.padding;
                        },
                        [&](const MaxPooling& p) { pooling(p); },
                        [&](const AveragePooling& p) { pooling(p); },
                        [&](const Projection& p) { result["outputs"] = p.outputs; },
                        [](const GlobalAverage&) {}, [](const Rectifier&) {}, [](const Sum&) {}},
             op);
  return result;
}

template <typename Pooling>
Pooling read_pooling(const JsonObject& node) {
  node.expect_only({"operator", "inputs", "size", "stride"});
  return {node.whole_number("size", 1, kMostExtent), node.whole_number("stride", 1, kMostExtent)};
}

Operator read_operator(const JsonObject& node) {
  const std::string& name = node.text("operator");
  if (name == "convolution") {
    node.expect_only({"operator", "inputs", "filters", "kernel", "stride", "padding"});
    return Convolution{
        node.whole_number("filters", 1, kMostValues), node.whole_number("kernel", 1, kMostExtent),
        node.whole_number("stride", 1, kMostExtent), node.whole_number("padding", 0, kMostExtent)};
  }
  if (name == "max_pooling") return read_pooling<MaxPooling>(node);
  if (name == "average_pooling") return read_pooling<AveragePooling>(node);
  if (name == "projection") {
    node.expect_only({"operator", "inputs", "outputs"});
    return Projection{node.whole_number("outputs", 1, kMostValues)};
  }
  node.expect_only({"operator", "inputs"});
  for (const Operator& plain :
       {Operator(GlobalAverage{}), Operator(Rectifier{}), Operator(Sum{})}) {
    if (name == name_of(plain)) return plain;
  }
  node.refuse("operator", "one that this program knows");
}

}  // namespace

size_t GraphTensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), size_t{1}, std::multiplies());
}

std::vector<Shape> value_shapes(const Graph& graph) {
  if (graph.nodes.empty()) throw Error(ErrorKind::bad_data, "graph: it has no nodes");
  check_size(0, graph.input);
  std::vector<Shape> shapes = {graph.input};
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    std::vector<Shape> in;
    for (const size_t value : graph.nodes[i].inputs) {
      if (value > i) refuse(i, "its input comes later");
      in.push_back(shapes[value]);
    }
    shapes.push_back(output_shape(i, graph.nodes[i].op, in));
    check_size(i, shapes.back());
  }
  return shapes;
}

std::vector<GraphTensor> graph_tensors(const Graph& graph) {
  const std::vector<Shape> shapes = value_shapes(graph);
  std::vector<GraphTensor> tensors;
  size_t total = 0;
  const auto add = [&](size_t node, std::vector<size_t> shape, bool bias) {
    if (shape.empty()) return;
    size_t size = 1;
    for (const size_t extent : shape) {
      if (extent > kMostValues / size) refuse(node, "too many weights");
      size *= extent;
    }
    total += size;
    if (total > kMostValues) refuse(node, "too many weights");
    tensors.push_back(
        {std::to_string(node).append(bias ? ".bias" : ".weight"), std::move(shape), node, bias});
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    auto [weight, bias] = weight_shapes(graph.nodes[i].op, shapes[graph.nodes[i].inputs.front()]);
    add(i, std::move(weight), false);
    add(i, std::move(bias), true);
  }
  return tensors;
}

size_t weight_count(const Graph& graph) {
  size_t count = 0;
  for (const GraphTensor& tensor : graph_tensors(graph)) count += tensor.size();
  return count;
}

json graph_to_json(const Graph& graph) {
  json nodes = json::array();
  for (const GraphNode& node : graph.nodes) {
    json one = operator_to_json(node.op);
    one["inputs"] = node.inputs;
    nodes.push_back(std::move(one));
  }
  return {{"input", {graph.input.channels, graph.input.height, graph.input.width}},
          {"nodes", std::move(nodes)}};
}

Graph graph_from_json(const json& value, const std::string& where) {
  const JsonObject object(value, where);
  object.expect_only({"input", "nodes"});
  const std::vector<size_t> input = object.whole_numbers("input", kMostValues);
  if (input.size() != 3) object.refuse("input", "channels, height and width");
  Graph graph{{input[0], input[1], input[2]}, {}};
  for (const json& node : object.list("nodes", kMostNodes)) {
    const JsonObject one(
        node, std::string(where).append(": node ").append(std::to_string(graph.nodes.size())));
    graph.nodes.push_back({read_operator(one), one.whole_numbers("inputs", kMostNodes)});
  }
  try {
    graph_tensors(graph);
  } catch (const Error& error) {
    object.fail(error.what());
  }
  return graph;
}

}  // namespace doppel::internal
