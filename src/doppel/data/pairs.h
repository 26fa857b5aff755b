// The pairs a twin network learns from: two images of one identity (genuine) or of two (impostor).
#pragma once

#include <cstdint>

namespace doppel {

struct Pair {
  uint32_t a = 0;  // indices into Dataset::images
  uint32_t b = 0;
  bool genuine = false;

  friend bool operator==(const Pair&, const Pair&) = default;
};

}  // namespace doppel
