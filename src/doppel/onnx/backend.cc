#include "doppel/onnx/backend.h"

#include "doppel/base/side_library.h"

namespace doppel::internal {

const OnnxBackend& onnx_backend() {
  using Entry = const OnnxBackend* (*)();
  static const auto entry =
      reinterpret_cast<Entry>(side_library_entry("doppel_onnx", "doppel_onnx_backend", "ONNX"));
  return *entry();
}

}  // namespace doppel::internal
