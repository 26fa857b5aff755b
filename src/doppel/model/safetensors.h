// The safetensors format: eight bytes of length, a JSON header, raw little-endian tensors. Data
// only, nothing to execute; Python's safetensors opens it as it is.
// https://huggingface.co/docs/safetensors
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

struct NamedTensor {
  std::string name;
  std::vector<size_t> shape;  // outermost first
  std::vector<float> values;  // row-major; as many as the product of shape
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;  // in the order of their bytes
};

// The file's bytes; equal contents give equal bytes. Tensors are F32.
std::string encode_safetensors(const TensorFile& file);

// Checks everything before it allocates: the header's length and JSON, dtypes (F32 alone), shapes
// against byte ranges, ranges that leave gaps, overlap or end early, values that are not finite.
// Throws Error(bad_data) that begins with `name` and says what is wrong.
TensorFile decode_safetensors(std::string_view bytes, const std::string& name);

}  // namespace doppel::internal
