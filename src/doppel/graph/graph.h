// A trained network that somebody else made, as a graph of operators with its weights: what a file
// of theirs becomes before the engine (graph_inference.h) runs it.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "doppel/nn/shape.h"

namespace doppel::internal {

// Cross-correlation of an input with a zero frame of `padding`, at every stride-th place. Weight
// [filters][channels][kernel][kernel], bias [filters].
struct Convolution {
  size_t filters = 1, kernel = 3, stride = 1, padding = 0;
};
// Windows of size x size at every stride-th place that lie in the input as a whole.
struct MaxPooling {
  size_t size = 2, stride = 2;
};
struct AveragePooling {
  size_t size = 2, stride = 2;
};
struct GlobalAverage {};  // of each channel
struct Rectifier {};      // max(x, 0)
// Of two values. Where one of them has fewer channels, rows or columns, it counts as 0 there.
struct Sum {};
// Weight [outputs][inputs], no bias; of a value that is one pixel.
struct Projection {
  size_t outputs = 1;
};

using Operator = std::variant<Convolution, MaxPooling, AveragePooling, GlobalAverage, Rectifier,
                              Sum, Projection>;

// Value 0 is the graph's input, value i + 1 what node i gives.
struct GraphNode {
  Operator op;
  std::vector<size_t> inputs;  // values of nodes before it, or the graph's input
  std::vector<float> weight = {}, bias = {};
};

struct Graph {
  Shape input;
  std::vector<GraphNode> nodes;  // the last one gives the output
};

// The shape of every value. Throws Error(bad_data), "graph, node 3: why", where a graph is
// impossible: a window larger than its input, an input that comes later, a value that is too large
// (kMostValues), no nodes.
std::vector<Shape> value_shapes(const Graph& graph);

// The weights that a graph of this description needs, named "3.weight", "3.bias".
struct GraphTensor {
  std::string name;
  std::vector<size_t> shape;  // outermost first
  size_t node = 0;
  bool bias = false;

  size_t size() const;
};
// Throws as value_shapes() does.
std::vector<GraphTensor> graph_tensors(const Graph& graph);

size_t weight_count(const Graph& graph);

// The description without weights:
// {"input": [3, 150, 150], "nodes": [{"operator": "convolution", "inputs": [0], "filters": 32,
// ..}]}
nlohmann::json graph_to_json(const Graph& graph);
// And back, without weights. Throws Error(bad_data) that begins with `where`.
Graph graph_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
