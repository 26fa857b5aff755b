#include "doppel/onnx/graph.h"

#include <cassert>
#include <utility>

namespace doppel::internal {
namespace {

std::string numbered(const char* what, size_t number) {
  return std::string(what).append(std::to_string(number));
}

}  // namespace

std::string OnnxGraph::add(std::string op, std::vector<std::string> inputs,
                           OnnxAttributes attributes) {
  std::string name = numbered("v", nodes.size());
  nodes.push_back({std::move(op), std::move(inputs), name, std::move(attributes)});
  return name;
}

std::string OnnxGraph::constant(std::vector<int64_t> shape, std::vector<float> values) {
  [[maybe_unused]] int64_t size = 1;
  for (const int64_t extent : shape) size *= extent;
  assert(static_cast<size_t>(size) == values.size());
  std::string name = numbered("c", constants.size());
  constants.push_back({name, std::move(shape), std::move(values)});
  return name;
}

std::string OnnxGraph::constant(std::vector<int64_t> shape, std::span<const float> values) {
  return constant(std::move(shape), std::vector<float>(values.begin(), values.end()));
}

std::string OnnxGraph::integers(std::vector<int64_t> values) {
  std::string name = numbered("c", constants.size());
  constants.push_back({name, {static_cast<int64_t>(values.size())}, std::move(values)});
  return name;
}

}  // namespace doppel::internal
