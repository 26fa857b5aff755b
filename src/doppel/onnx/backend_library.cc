// The entry of the library that backend.h loads.
#include "doppel/error.h"
#include "doppel/onnx/backend.h"
#include "doppel/onnx/onnx_file.h"
#include "doppel/onnx/opencv_network.h"

namespace doppel::internal {
namespace {

class Backend final : public OnnxBackend {
 public:
  std::string encode(const OnnxGraph& graph) const override { return encode_onnx(graph); }
  std::shared_ptr<const OnnxNetwork> open(std::string_view bytes, const std::string& name,
                                          const OnnxInput& input,
                                          const std::string& output) const override {
    const std::string found = check_onnx(bytes, name, input, output);
    return open_with_opencv(bytes, name, input, found);
  }
};

}  // namespace
}  // namespace doppel::internal

extern "C" __attribute__((visibility("default"))) const doppel::internal::OnnxBackend*
doppel_onnx_backend() {
  static const doppel::internal::Backend backend;
  return &backend;
}
