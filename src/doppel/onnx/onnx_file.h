// ONNX's files: a graph to bytes, and bytes from anywhere looked through before anything takes them
// at their word.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "doppel/onnx/backend.h"
#include "doppel/onnx/graph.h"

namespace doppel::internal {

inline constexpr size_t kMostOnnxBytes = size_t{256} << 20;

// The file's bytes; equal graphs give equal bytes. Throws Error(bad_data) with what ONNX's checker
// says of a graph that is none.
std::string encode_onnx(const OnnxGraph& graph);

// Refuses, with Error(bad_data) that begins with `name` and says what is wrong:
// * more than kMostOnnxBytes, no protobuf message of ONNX, one nested too deeply;
// * weights in other files; tensors whose bytes are not as many as their shape says, of more than
//   2^28 values or of types that no embedder needs; more than 20000 nodes or tensors;
// * what ONNX's checker refuses: values that nothing gives, operators without what they need;
// * operators other than those of feed-forward networks: none that call a graph of their own, come
//   from other vendors or make a tensor of a size that a number says;
// * kernels, strides and frames of thousands of pixels;
// * a network that has not one input of batch x channels x height x width as `input` says (where
// the
//   file leaves a size free, that will do), or not the output that is asked for.
// Gives the name of the output: `output`, or where that is empty the only one.
std::string check_onnx(std::string_view bytes, const std::string& name, const OnnxInput& input,
                       const std::string& output);

}  // namespace doppel::internal
