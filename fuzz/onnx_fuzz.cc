// Any bytes as an ONNX file from somebody else, or as the description beside one: accepted by what
// they hold, or a doppel::Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "doppel/error.h"
#include "doppel/model/model.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/onnx/onnx_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    if (!bytes.starts_with("{")) {
      doppel::internal::check_onnx(bytes, "fuzz", {1, 4, 3}, "");
      return 0;
    }
    const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) return 0;
    const auto described =
        doppel::internal::describe_embedder(doppel::internal::embedder_from_json(json, "fuzz"));
    if (doppel::internal::describe_embedder(
            doppel::internal::embedder_from_json(described, "again")) != described) {
      std::abort();
    }
  } catch (const doppel::Error&) {
    // What is none is refused in words.
  }
  return 0;
}
