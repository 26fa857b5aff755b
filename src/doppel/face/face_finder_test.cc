#include "doppel/face/face_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/decode.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

#define SKIP_WITHOUT_DETECTOR() \
  if (!can_find_faces()) GTEST_SKIP() << "built without dlib"

// `picture` on grey ground, its upper left corner at the given place.
Image on_ground(const Image& picture, int width, int height, int left, int top) {
  Image image{width, height, {}};
  image.pixels.assign(static_cast<size_t>(width) * static_cast<size_t>(height), 0.5f);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) image.at(top + y, left + x) = picture.at(y, x);
  }
  return image;
}

TEST(FaceFinder, SaysHowToBuildItWhereItIsMissing) {
  if (can_find_faces()) GTEST_SKIP() << "built with dlib";
  try {
    FaceFinder();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), testing::HasSubstr("-DDOPPEL_DLIB=ON"));
  }
}

// Drawn faces are upright and 92 x 112, their eyes 29 pixels apart on the average.
TEST(FaceFinder, FindsTheDrawnFacesWithTheirEyes) {
  SKIP_WITHOUT_DETECTOR();
  const FaceFinder finder;
  for (uint32_t person = 0; person < 20; ++person) {
    const std::vector<FoundFace> faces = finder.find(synthetic_face(1, person, 0));
    ASSERT_EQ(faces.size(), 1u) << person;
    const FoundFace& face = faces[0];
    EXPECT_GT(face.left_eye.x, 15) << person;
    EXPECT_LT(face.right_eye.x, 77) << person;
    const double apart =
        std::hypot(face.right_eye.x - face.left_eye.x, face.right_eye.y - face.left_eye.y);
    EXPECT_GT(apart, 20) << person;
    EXPECT_LT(apart, 40) << person;
    EXPECT_LT(std::abs(face.right_eye.y - face.left_eye.y), apart / 3) << person;
    EXPECT_GT(face.mouth.y, face.left_eye.y + apart / 2) << person;
    EXPECT_GT(face.width, 40) << person;
  }
}

// Small pictures are searched enlarged, large ones reduced: places come back in the picture's own
// pixels.
TEST(FaceFinder, GivesPlacesInThePicturesPixels) {
  SKIP_WITHOUT_DETECTOR();
  const FaceFinder finder;
  const Image drawn = synthetic_face(1, 3, 0);
  const std::vector<FoundFace> small = finder.find(drawn);
  const Image large = on_ground(resize(drawn, 920, 1120), 3000, 2000, 1500, 400);
  const std::vector<FoundFace> found = finder.find(large);
  ASSERT_EQ(small.size(), 1u);
  ASSERT_EQ(found.size(), 1u);
  // A tenth of the distance of the eyes: the two searches see different pixels.
  EXPECT_NEAR(found[0].left_eye.x, 1500 + 10 * small[0].left_eye.x, 30);
  EXPECT_NEAR(found[0].left_eye.y, 400 + 10 * small[0].left_eye.y, 30);
  EXPECT_NEAR(found[0].right_eye.x, 1500 + 10 * small[0].right_eye.x, 30);
  EXPECT_NEAR(found[0].mouth.y, 400 + 10 * small[0].mouth.y, 30);
}

TEST(FaceFinder, FindsSeveralTheSurestFirst) {
  SKIP_WITHOUT_DETECTOR();
  Image image = on_ground(resize(synthetic_face(1, 3, 0), 184, 224), 600, 300, 20, 40);
  const Image second = resize(synthetic_face(1, 5, 0), 184, 224);
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 184; ++x) image.at(40 + y, 340 + x) = second.at(y, x);
  }
  const std::vector<FoundFace> faces = FaceFinder().find(image);
  ASSERT_EQ(faces.size(), 2u);
  EXPECT_GE(faces[0].score, faces[1].score);
  EXPECT_NE(faces[0].left < 300, faces[1].left < 300);
}

TEST(FaceFinder, FindsNothingWhereThereIsNothing) {
  SKIP_WITHOUT_DETECTOR();
  const FaceFinder finder;
  EXPECT_TRUE(finder.find(on_ground({}, 92, 112, 0, 0)).empty());
  EXPECT_TRUE(finder.find(on_ground({}, 1, 1, 0, 0)).empty());
  EXPECT_TRUE(finder.find(on_ground({}, 16384, 1, 0, 0)).empty());
  EXPECT_THROW(finder.find(Image{}), Error);
}

TEST(FaceFinder, ManyThreadsGiveWhatOneGives) {
  SKIP_WITHOUT_DETECTOR();
  const FaceFinder finder;
  constexpr uint32_t kPictures = 8;
  std::vector<std::vector<FoundFace>> together(kPictures);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kPictures; ++i) {
    threads.emplace_back([&, i] { together[i] = finder.find(synthetic_face(2, i, 1)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint32_t i = 0; i < kPictures; ++i) {
    const std::vector<FoundFace> alone = finder.find(synthetic_face(2, i, 1));
    ASSERT_EQ(together[i].size(), alone.size());
    for (size_t k = 0; k < alone.size(); ++k) {
      EXPECT_EQ(together[i][k].left_eye.x, alone[k].left_eye.x);
      EXPECT_EQ(together[i][k].score, alone[k].score);
    }
  }
}

TEST(FaceFinder, NamesLandmarksThatAreNone) {
  SKIP_WITHOUT_DETECTOR();
  const Image face = synthetic_face(1, 3, 0);
  const fs::path path = fs::path(testing::TempDir()) / "landmarks_test.dat";
  fs::remove(path);
  for (const bool there : {false, true}) {
    if (there) std::ofstream(path) << "no landmarks";
    try {
      FaceFinder(path).find(face);
      ADD_FAILURE() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), there ? ErrorKind::bad_data : ErrorKind::io);
      EXPECT_THAT(error.what(), testing::StartsWith(path.string()));
    }
  }
  fs::remove(path);
}

TEST(FaceFinder, FindsAllAttFaces) {
  SKIP_WITHOUT_DETECTOR();
  const char* data = std::getenv("DOPPEL_DATA");
  const fs::path folder = fs::path(data != nullptr ? data : "../shared/data") / "att_faces";
  if (!fs::is_directory(folder)) {
    GTEST_SKIP() << "the AT&T faces are not at " << folder << "; set DOPPEL_DATA";
  }
  const FaceFinder finder;
  size_t images = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".pgm") continue;
    ++images;
    EXPECT_EQ(finder.find(load_image(entry.path())).size(), 1u) << entry.path();
  }
  EXPECT_EQ(images, 400u);
}

}  // namespace
}  // namespace doppel::internal
