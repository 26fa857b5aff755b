// Any bytes into decode_model(): a model that can be written and read again, or a doppel::Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "doppel/error.h"
#include "doppel/model/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const doppel::internal::Model model = doppel::internal::decode_model(bytes, "fuzz");
    const std::string again = doppel::internal::encode_model(model);
    if (doppel::internal::encode_model(doppel::internal::decode_model(again, "again")) != again)
      std::abort();
  } catch (const doppel::Error&) {
    // What is no model is refused in words.
  }
  return 0;
}
