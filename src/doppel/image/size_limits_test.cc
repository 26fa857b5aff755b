#include "doppel/image/size_limits.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

bool accepted(int64_t width, int64_t height) {
  try {
    check_size(ErrorKind::bad_data, width, height, "a.png");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_EQ(std::string(error.what()).rfind("a.png", 0), 0u) << error.what();
    return false;
  }
  return true;
}

TEST(SizeLimits, HoldAtTheirEdges) {
  EXPECT_TRUE(accepted(1, 1));
  EXPECT_TRUE(accepted(kMostSide, kMostPixels / kMostSide));
  EXPECT_FALSE(accepted(kMostSide, kMostPixels / kMostSide + 1));
  EXPECT_FALSE(accepted(kMostSide + 1, 1));
  EXPECT_FALSE(accepted(1, kMostSide + 1));
  EXPECT_FALSE(accepted(0, 5));
  EXPECT_FALSE(accepted(5, -1));
  EXPECT_FALSE(accepted(int64_t{1} << 32, int64_t{1} << 32));  // 0 pixels in 64 bits
}

}  // namespace
}  // namespace doppel::internal
