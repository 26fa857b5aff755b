#include "doppel/face/dataset_aligner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/face/align.h"

namespace doppel::internal {
namespace {

constexpr ImageSize kSize{46, 56};

TEST(DatasetAligner, AlignsWhatItFindsAndPlacesTheRestAsTheAverage) {
  if (!can_find_faces()) GTEST_SKIP() << "built without dlib";
  DatasetAligner aligner(kSize);
  const FaceFinder finder;
  FoundFace mean;
  for (uint32_t person = 0; person < 4; ++person) {
    const Image image = synthetic_face(1, person, 0);
    const FoundFace face = finder.find(image).at(0);
    mean.left_eye.x += face.left_eye.x / 4;
    mean.left_eye.y += face.left_eye.y / 4;
    mean.right_eye.x += face.right_eye.x / 4;
    mean.right_eye.y += face.right_eye.y / 4;
    mean.mouth.x += face.mouth.x / 4;
    mean.mouth.y += face.mouth.y / 4;
    const auto aligned = aligner.align(image, std::to_string(person));
    ASSERT_TRUE(aligned);
    EXPECT_EQ(aligned->pixels, align_face(image, face, kSize).pixels);
  }
  EXPECT_FALSE(aligner.note());

  Image slope{92, 112, {}};  // a picture without a face, none of whose columns are alike
  for (int i = 0; i < 92 * 112; ++i) {
    slope.pixels.push_back(static_cast<float>(i % 92 + i / 92) / 210.0f);
  }
  EXPECT_FALSE(aligner.align(slope, "slope"));
  const Image placed = aligner.place(slope, "slope");
  const Image expected = align_face(slope, mean, kSize);
  ASSERT_EQ(placed.pixels.size(), expected.pixels.size());
  for (size_t i = 0; i < expected.pixels.size(); ++i) {
    ASSERT_NEAR(placed.pixels[i], expected.pixels[i], 1e-5) << i;
  }
  ASSERT_TRUE(aligner.note());
  EXPECT_THAT(*aligner.note(), testing::HasSubstr("in 1 of 5 images"));
  EXPECT_THAT(*aligner.note(), testing::EndsWith("slope"));
}

TEST(DatasetAligner, RefusesADataSetWithoutAnyFace) {
  if (!can_find_faces()) GTEST_SKIP() << "built without dlib";
  DatasetAligner aligner(kSize);
  const Image grey{92, 112, std::vector<float>(92 * 112, 0.5f)};
  EXPECT_FALSE(aligner.align(grey, "a.pgm"));
  try {
    aligner.place(grey, "a.pgm");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("a.pgm: no face was found"));
  }
}

}  // namespace
}  // namespace doppel::internal
