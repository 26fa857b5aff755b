// An ONNX network as we write one: standard operators in the order they run, and the constants
// between them. Nothing of protobuf is here; backend.h turns it into a file's bytes.
// https://onnx.ai
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace doppel::internal {

using OnnxAttribute = std::variant<int64_t, float, std::vector<int64_t>>;
using OnnxAttributes = std::map<std::string, OnnxAttribute>;

struct OnnxNode {
  std::string op;                   // "Conv"
  std::vector<std::string> inputs;  // names of values
  std::string output;               // of the one value that it gives
  OnnxAttributes attributes;
};

struct OnnxConstant {
  std::string name;
  std::vector<int64_t> shape;                                     // empty: a scalar
  std::variant<std::vector<float>, std::vector<int64_t>> values;  // row-major
};

// One input and one output, whose first dimension is the free batch, "N".
struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxConstant> constants;
  std::vector<int64_t> input;         // without the batch: {1, 56, 46}
  std::string output;                 // the value that is given out
  std::vector<int64_t> output_shape;  // without the batch
  std::map<std::string, std::string> metadata;

  // The value `op` gives, under a name of its own.
  std::string add(std::string op, std::vector<std::string> inputs, OnnxAttributes attributes = {});
  std::string constant(std::vector<int64_t> shape, std::vector<float> values);
  std::string constant(std::vector<int64_t> shape, std::span<const float> values);
  std::string integers(std::vector<int64_t> values);  // of one dimension, as Reshape takes them

  static constexpr const char* kInput = "input";
  static constexpr const char* kOutput = "embedding";  // how the output is called in the file
  static constexpr int64_t kOpset = 11;  // of ONNX 1.6: every runtime of the last years reads it
};

}  // namespace doppel::internal
