#include "doppel/image/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "doppel/image/bad_bytes.h"
#include "doppel/image/encode.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

TEST(Decode, RefusesWhatIsNoImage) {
  expect_refused("", "empty");
  expect_refused("P", "no image");
  expect_refused("hello, world", "no image");
  expect_refused("GIF89a", "no image");
  expect_refused("\x89PNG\r\n\x1a", "no image");  // one byte short of the signature
  expect_refused("RIFF", "no image");
  expect_refused("RIFF\x04\x01\x01\x01WAVE", "no image");
  EXPECT_THROW(decode_image(encode_pgm({1, 1, {0.0f}}), "x", {.shorter_side = -1}), Error);
}

TEST(Decode, TellsFormatsByTheirBytesNotByTheirNames) {
  const Image image{2, 1, {0.0f, 1.0f}};
  EXPECT_EQ(decode_image(encode_png(image), "misnamed.pgm").pixels, image.pixels);
  EXPECT_EQ(decode_image(encode_pgm(image), "misnamed.png").pixels, image.pixels);
}

TEST(Decode, LoadsAFileAndNamesItInErrors) {
  const fs::path path = fs::path(testing::TempDir()) / "decode_test.pgm";
  std::ofstream(path, std::ios::binary) << encode_pgm({3, 1, {0.0f, 0.2f, 1.0f}});
  const Image image = load_image(path);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.pixels, (std::vector<float>{0.0f, 51 / 255.0f, 1.0f}));

  std::ofstream(path, std::ios::binary) << "no image";
  try {
    load_image(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
  }
  fs::remove(path);
  EXPECT_THROW(load_image(path), Error);
}

TEST(Decode, RefusesMorePixelsThanAreWanted) {
  const Image small{4, 3, std::vector<float>(12, 0.5f)};
  for (const std::string& bytes : {encode_pgm(small), encode_png(small)}) {
    EXPECT_EQ(decode_image(bytes, "x", {.most_pixels = 12}).divisor, 1);
    EXPECT_THROW(decode_image(bytes, "x", {.most_pixels = 11}), Error);
  }
}

TEST(Decode, ChecksSizes) {
  EXPECT_NO_THROW(check_size(ErrorKind::bad_data, 1, 1, "x"));
  EXPECT_NO_THROW(check_size(ErrorKind::bad_data, 16384, 4096, "x"));
  EXPECT_THROW(check_size(ErrorKind::bad_data, 16384, 4097, "x"), Error);
  EXPECT_THROW(check_size(ErrorKind::bad_data, 16385, 1, "x"), Error);
  EXPECT_THROW(check_size(ErrorKind::bad_data, 0, 5, "x"), Error);
  EXPECT_THROW(check_size(ErrorKind::bad_data, 5, -1, "x"), Error);
  EXPECT_THROW(check_size(ErrorKind::bad_data, int64_t{1} << 32, int64_t{1} << 32, "x"), Error);
}

// The fuzzer's seeds and every input it ever found a fault with: an image or an Error, nothing
// else.
TEST(Decode, SurvivesTheFuzzCorpus) {
  size_t decoded = 0, refused = 0;
  for (const auto& entry : fs::directory_iterator("fuzz/corpus/decode")) {
    try {
      const Image image = load_image(entry.path());
      EXPECT_TRUE(std::all_of(image.pixels.begin(), image.pixels.end(), [](float v) {
        return v >= 0.0f && v <= 1.0f;
      })) << entry.path();
      ++decoded;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GE(decoded, 10u) << refused << " refused";
}

TEST(Decode, ReadsAllAttFaces) {
  const char* data = std::getenv("DOPPEL_DATA");
  const fs::path faces = fs::path(data != nullptr ? data : "../shared/data") / "att_faces";
  if (!fs::is_directory(faces)) {
    GTEST_SKIP() << "the AT&T faces are not at " << faces << "; set DOPPEL_DATA";
  }
  size_t images = 0;
  for (const auto& entry : fs::recursive_directory_iterator(faces)) {
    if (entry.path().extension() != ".pgm") continue;
    const Image image = load_image(entry.path());
    ++images;
    EXPECT_EQ(image.width, 92) << entry.path();
    EXPECT_EQ(image.height, 112) << entry.path();
    // The same pixels read without the decoder: the file's last 92 x 112 bytes.
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const std::string_view raster = std::string_view(bytes).substr(bytes.size() - 92 * 112);
    for (size_t i = 0; i < raster.size(); ++i) {
      ASSERT_EQ(image.pixels[i], static_cast<float>(static_cast<uint8_t>(raster[i])) / 255.0f)
          << entry.path() << " pixel " << i;
    }
    EXPECT_EQ(encode_pgm(image).substr(encode_pgm(image).size() - raster.size()), raster);
  }
  EXPECT_EQ(images, 400u);
}

}  // namespace
}  // namespace doppel::internal
