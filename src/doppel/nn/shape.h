// The shape of what a layer is given or gives.
#pragma once

#include <cstddef>
#include <string>

namespace doppel::internal {

// Channels x height x width; a vector of n features is n x 1 x 1.
struct Shape {
  size_t channels = 1;
  size_t height = 1;
  size_t width = 1;

  size_t size() const { return channels * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

inline std::string to_string(const Shape& shape) {  // "6x27x22"
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

// No activation and no parameter array of a described network may be larger: a description comes
// out of a file and must not decide how much memory is taken.
inline constexpr size_t kMostValues = size_t{1} << 28;

}  // namespace doppel::internal
