// Embeddings as galleries and exports keep them: 32-bit floats, as they lie in memory.
#pragma once

#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "doppel/gallery/gallery_settings.h"

namespace doppel::internal {

static_assert(std::endian::native == std::endian::little, "embeddings are written as they lie");

inline std::string_view bytes_of(std::span<const float> embedding) {
  return {reinterpret_cast<const char*>(embedding.data()), embedding.size_bytes()};
}

// Back. A number of bytes that no embedding has gives a number of values that none has.
inline std::vector<float> floats_of(std::string_view bytes) {
  constexpr size_t kMost = (kMostEmbeddingSize + 1) * sizeof(float);
  bytes = bytes.substr(0, kMost);
  std::vector<float> values((bytes.size() + sizeof(float) - 1) / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace doppel::internal
