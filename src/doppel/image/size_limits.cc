#include "doppel/image/size_limits.h"

namespace doppel::internal {

void check_size(ErrorKind kind, int64_t width, int64_t height, const std::string& name,
                int64_t most) {
  if (width >= 1 && width <= kMostSide && height >= 1 && height <= kMostSide &&
      width * height <= most) {
    return;
  }
  throw Error(kind, name + ": a size of " + std::to_string(width) + " x " + std::to_string(height) +
                        "; 1 to " + std::to_string(kMostSide) + " pixels a side and at most " +
                        std::to_string(most) + " in all were expected");
}

}  // namespace doppel::internal
