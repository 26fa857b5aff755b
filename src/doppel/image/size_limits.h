// How large a picture may be, read or made: checked before any memory is taken for its pixels.
#pragma once

#include <cstdint>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {

constexpr int kMostSide = 16384;
constexpr int64_t kMostPixels = int64_t{1} << 26;

// Throws Error(kind) naming `name` unless both sides are in 1..kMostSide and their product is at
// most `most`.
void check_size(ErrorKind kind, int64_t width, int64_t height, const std::string& name,
                int64_t most = kMostPixels);

}  // namespace doppel::internal
