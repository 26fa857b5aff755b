#include "doppel/model/photo_faces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/face/align.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

Model model_of(bool align) {
  Model model;
  model.preprocessing = {46, 56, 1, true, align};
  return model;
}

TEST(PhotoFaces, AModelOfWholePicturesTakesWholePictures) {
  const PhotoFaces photos(model_of(false));
  const Image photo = synthetic_face(1, 0, 0);
  const auto faces = photos.of(photo, FaceChoice::one, "x");
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_EQ(faces[0].image.pixels, photo.pixels);
  EXPECT_EQ(faces[0].looks.sharpness, measure_looks(resize(photo, 46, 56)).sharpness);
  EXPECT_EQ(faces[0].width, 92);
  EXPECT_EQ(faces[0].height, 112);
  EXPECT_EQ(photos.decoding().shorter_side, 0);
}

TEST(PhotoFaces, APictureOfNothingIsNoFace) {
  const PhotoFaces photos(model_of(false));
  const Image wall{92, 112, std::vector<float>(92 * 112, 0.5f)};
  EXPECT_TRUE(photos.of(wall, FaceChoice::all, "wall.jpg").empty());
  EXPECT_TRUE(photos.whole(wall).empty());
  for (const FaceChoice choice : {FaceChoice::one, FaceChoice::largest}) {
    try {
      photos.of(wall, choice, "wall.jpg");
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::no_face);
      EXPECT_THAT(error.what(), testing::StartsWith("no face was found in wall.jpg: "));
    }
  }
}

TEST(PhotoFaces, AModelOfAlignedFacesTakesThemAsItsTrainingDid) {
  if (!can_find_faces()) GTEST_SKIP() << "built without dlib";
  const PhotoFaces photos(model_of(true));
  const Image photo = synthetic_face(1, 0, 0);
  const FoundFace found = FaceFinder().find(photo).at(0);
  const auto path = std::filesystem::path(testing::TempDir()) / "photo_faces_test.pgm";
  std::ofstream(path, std::ios::binary) << encode_pgm(photo);
  for (const FaceChoice choice : {FaceChoice::all, FaceChoice::largest, FaceChoice::one}) {
    const auto faces = photos.of(load_image(path, photos.decoding()), choice, "x");
    ASSERT_EQ(faces.size(), 1u);
    EXPECT_EQ(faces[0].image.pixels, align_face(photo, found, {46, 56}).pixels);
    EXPECT_EQ(faces[0].left, found.left);
    EXPECT_EQ(faces[0].height, found.height);
  }
  Image decoded_at_half_size = photo;
  decoded_at_half_size.divisor = 2;
  const auto faces = photos.of(decoded_at_half_size, FaceChoice::one, "x");
  EXPECT_EQ(faces[0].width, 2 * found.width) << "in pixels of the photo as it is";
  EXPECT_EQ(faces[0].found->mouth.x, 2 * found.mouth.x);
  EXPECT_EQ(faces[0].image.pixels, align_face(photo, found, {46, 56}).pixels);
  std::filesystem::remove(path);
  EXPECT_GT(photos.decoding().shorter_side, 0);
  const Image wall{92, 112, std::vector<float>(92 * 112, 0.5f)};
  EXPECT_TRUE(photos.of(wall, FaceChoice::all, "wall.jpg").empty());
  try {
    photos.of(wall, FaceChoice::largest, "wall.jpg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("wall.jpg"));
  }
}

TEST(PhotoFaces, SaysThatItCannotAlignWithoutADetector) {
  if (can_find_faces()) GTEST_SKIP() << "built with dlib";
  EXPECT_NO_THROW(PhotoFaces(model_of(false)));
  EXPECT_THROW(PhotoFaces(model_of(true)), Error);
}

}  // namespace
}  // namespace doppel::internal
