// The library that knows ONNX files and runs them, loaded when it is first needed: what it links to
// (protobuf, OpenCV) would cost every start of the program more than its work takes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "doppel/base/matrix.h"
#include "doppel/onnx/graph.h"

namespace doppel::internal {

// What a file's network must take and which of its outputs is wanted.
struct OnnxInput {
  size_t channels = 1;
  size_t height = 0;
  size_t width = 0;

  size_t size() const { return channels * height * width; }
};

// A network that can run. Safe to share between threads: they wait for each other.
class OnnxNetwork {
 public:
  virtual ~OnnxNetwork() = default;
  virtual size_t embedding_size() const = 0;
  // inputs: one in each row, channel after channel, rows from the top. One runs after the other, so
  // that an embedding does not depend on which others were asked for; each on all processors.
  // Values need not be finite. Throws Error(mismatch) for rows of another size, Error(bad_data)
  // where the network fails.
  virtual Matrix embed(const Matrix& inputs) const = 0;
};

class OnnxBackend {
 public:
  virtual ~OnnxBackend() = default;
  // The file's bytes. ONNX's own checker has agreed to them, or it throws Error(bad_data).
  virtual std::string encode(const OnnxGraph& graph) const = 0;
  // A network of a file from anywhere, ready to run; `output` names what to take where it has
  // several. Before anything runs the file is bounded as onnx_file.h says, and the sizes and the
  // arithmetic of all its layers. Throws Error(bad_data) that begins with `name`;
  // Error(unavailable) where this build has no OpenCV.
  virtual std::shared_ptr<const OnnxNetwork> open(std::string_view bytes, const std::string& name,
                                                  const OnnxInput& input,
                                                  const std::string& output) const = 0;
};

// Throws as side_library_entry() does.
const OnnxBackend& onnx_backend();

}  // namespace doppel::internal
