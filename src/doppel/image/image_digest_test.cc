#include "doppel/image/image_digest.h"

#include <gtest/gtest.h>

#include "doppel/base/digest.h"

namespace doppel::internal {
namespace {

using namespace std::string_literals;

TEST(ImageDigest, IsOfThePictureAlone) {
  const Image image{2, 1, {0.25f, 1.0f}};
  EXPECT_EQ(image_digest(image).size(), 64u);
  EXPECT_EQ(image_digest(image), image_digest(Image{2, 1, {0.25f, 1.0f}}));
  EXPECT_NE(image_digest(image), image_digest(Image{1, 2, {0.25f, 1.0f}}));
  EXPECT_NE(image_digest(image), image_digest(Image{2, 1, {1.0f, 0.25f}}));
  EXPECT_NE(image_digest(image), image_digest(Image{2, 1, {0.25f + 1 / 65535.0f, 1.0f}}));
  // Sizes as 8 bytes, then 16-bit levels, all with the lowest byte first.
  std::string bytes(16, '\0');
  bytes[0] = 2;
  bytes[8] = 1;
  EXPECT_EQ(image_digest(image), sha256_hex(bytes + "\x00\x40\xff\xff"s));
}

}  // namespace
}  // namespace doppel::internal
