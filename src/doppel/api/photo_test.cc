#include "doppel/photo.h"

#include <gmock/gmock.h>

#include <vector>

#include "doppel/error.h"

namespace doppel {
namespace {

using testing::HasSubstr;

std::string refusal_of_pixels(int width, int height, size_t row_bytes, PixelFormat format) {
  const std::vector<uint8_t> pixels(64);
  try {
    Photo::from_pixels(pixels.data(), width, height, row_bytes, format, "frame");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    return error.what();
  }
  return "";
}

TEST(Photo, PixelsAreBounded) {
  EXPECT_EQ(refusal_of_pixels(4, 4, 4, PixelFormat::grey), "");
  EXPECT_EQ(refusal_of_pixels(4, 4, 16, PixelFormat::rgba), "");
  EXPECT_EQ(refusal_of_pixels(4, 4, 15, PixelFormat::bgra),
            "frame: rows of 16 to 2147483648 bytes were expected, not of 15");
  EXPECT_THAT(refusal_of_pixels(4, 4, static_cast<size_t>(-1), PixelFormat::grey),
              HasSubstr("bytes were expected"));
  for (const auto& [width, height] :
       {std::pair(0, 4), {4, 0}, {-1, 4}, {16385, 1}, {16384, 16384}}) {
    EXPECT_THAT(refusal_of_pixels(width, height, 100'000, PixelFormat::grey), HasSubstr("frame"))
        << width << " x " << height;
  }
}

TEST(Photo, ThereHaveToBePixels) {
  EXPECT_THROW(Photo::from_pixels(nullptr, 4, 4, 4, PixelFormat::grey), Error);
}

TEST(Photo, OneThatWasMovedFromIsStillThere) {
  const uint8_t pixel = 9;
  Photo photo = Photo::from_pixels(&pixel, 1, 1, 1, PixelFormat::grey, "frame");
  const Photo moved = std::move(photo);
  EXPECT_EQ(photo.name(), "frame");  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(moved.name(), "frame");
}

TEST(Photo, AFileThatCannotBeReadIsNamed) {
  try {
    Photo::load("no/such/photo.jpg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.what(), HasSubstr("no/such/photo.jpg"));
  }
}

}  // namespace
}  // namespace doppel
