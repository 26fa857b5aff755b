// A graph computed in the plainest way, in double precision: what tests compare with.
#pragma once

#include <algorithm>
#include <span>
#include <variant>
#include <vector>

#include "doppel/base/overloaded.h"
#include "doppel/graph/graph.h"

namespace doppel::internal {

// [channel][row][column]
struct ReferenceValue {
  Shape shape;
  std::vector<double> values;

  explicit ReferenceValue(const Shape& shape) : shape(shape), values(shape.size(), 0.0) {}
  double& at(size_t c, size_t i, size_t j) {
    return values[(c * shape.height + i) * shape.width + j];
  }
  double at(size_t c, size_t i, size_t j) const {
    return values[(c * shape.height + i) * shape.width + j];
  }
  // 0 outside.
  double around(size_t c, size_t i, size_t j) const {
    return c < shape.channels && i < shape.height && j < shape.width ? at(c, i, j) : 0;
  }
};

// `image` is [row][column][channel]. The graph's last value.
inline std::vector<double> reference_graph(const Graph& graph, std::span<const float> image) {
  const std::vector<Shape> shapes = value_shapes(graph);
  std::vector<ReferenceValue> values;
  for (const Shape& shape : shapes) values.emplace_back(shape);
  for (size_t i = 0, k = 0; i < graph.input.height; ++i) {
    for (size_t j = 0; j < graph.input.width; ++j) {
      for (size_t c = 0; c < graph.input.channels; ++c) {
        values[0].at(c, i, j) = static_cast<double>(image[k++]);
      }
    }
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    const ReferenceValue& in = values[node.inputs[0]];
    ReferenceValue& out = values[n + 1];
    const auto for_all = [&](auto&& value) {
      for (size_t c = 0; c < out.shape.channels; ++c) {
        for (size_t i = 0; i < out.shape.height; ++i) {
          for (size_t j = 0; j < out.shape.width; ++j) out.at(c, i, j) = value(c, i, j);
        }
      }
    };
    const auto weighted = [&](const Convolution& s, bool bias) {
      for_all([&](size_t f, size_t i, size_t j) {
        double sum = bias ? static_cast<double>(node.bias[f]) : 0;
        for (size_t c = 0; c < in.shape.channels; ++c) {
          for (size_t a = 0; a < s.kernel; ++a) {
            for (size_t b = 0; b < s.kernel; ++b) {
              // What is before the first row or column wraps around, and so is outside.
              const double x =
                  in.around(c, i * s.stride + a - s.padding, j * s.stride + b - s.padding);
              const size_t at = ((f * in.shape.channels + c) * s.kernel + a) * s.kernel + b;
              sum += x * static_cast<double>(node.weight[at]);
            }
          }
        }
        return sum;
      });
    };
    const auto reduced = [&](size_t rows, size_t columns, size_t stride, bool mean) {
      for_all([&](size_t c, size_t i, size_t j) {
        double sum = 0, most = in.at(c, i * stride, j * stride);
        for (size_t a = 0; a < rows; ++a) {
          for (size_t b = 0; b < columns; ++b) {
            const double x = in.at(c, i * stride + a, j * stride + b);
            sum += x;
            most = std::max(most, x);
          }
        }
        return mean ? sum / static_cast<double>(rows * columns) : most;
      });
    };
    std::visit(
        Overloaded{[&](const Convolution& s) { weighted(s, true); },
                   [&](const MaxPooling& s) { reduced(s.size, s.size, s.stride, false); },
                   [&](const AveragePooling& s) { reduced(s.size, s.size, s.stride, true); },
                   [&](const GlobalAverage&) { reduced(in.shape.height, in.shape.width, 1, true); },
                   [&](const Rectifier&) {
                     for_all([&](size_t c, size_t i, size_t j) {
                       return std::max(in.at(c, i, j), 0.0);
                     });
                   },
                   [&](const Sum&) {
                     const ReferenceValue& other = values[node.inputs[1]];
                     for_all([&](size_t c, size_t i, size_t j) {
                       return in.around(c, i, j) + other.around(c, i, j);
                     });
                   },
                   [&](const Projection& s) {
                     weighted(Convolution{s.outputs, 1, 1, 0}, false);
                   }},
        node.op);
  }
  return values.back().values;
}

}  // namespace doppel::internal
