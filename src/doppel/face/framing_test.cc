#include "doppel/face/framing.h"

#include <gtest/gtest.h>

#include <vector>

namespace doppel::internal {
namespace {

// A face whose eyes are `apart` parts of the width from each other, around (x, y) in parts of width
// and height.
FramedFace framed(double x, double y, double apart, ImageSize picture = {92, 112}) {
  FramedFace result;
  result.picture = picture;
  result.face.left_eye = {(x - apart / 2) * picture.width, y * picture.height};
  result.face.right_eye = {(x + apart / 2) * picture.width, y * picture.height};
  return result;
}

TEST(Framing, EqualFacesAreFramedAlikeWhateverThePicturesSize) {
  std::vector<std::optional<FramedFace>> found;
  for (int i = 1; i <= 10; ++i) found.emplace_back(framed(0.5, 0.4, 0.36, {92 * i, 112 * i}));
  const Framing framing = measure_framing(found);
  EXPECT_EQ(framing.pictures, 10u);
  EXPECT_EQ(framing.faces, 10u);
  EXPECT_NEAR(framing.eyes_apart, 0.36, 1e-9);
  EXPECT_NEAR(framing.eyes_astray, 0, 1e-9);
  EXPECT_EQ(judge(framing), FramingVerdict::alike);
}

TEST(Framing, ShiftsAreMeasuredInTheDistanceOfTheEyes) {
  // A third of them each in the middle, to its left and to its right by a tenth of the width.
  std::vector<std::optional<FramedFace>> found;
  for (int i = 0; i < 30; ++i) found.emplace_back(framed(0.5 + 0.1 * (i % 3 - 1), 0.4, 0.4));
  const Framing framing = measure_framing(found);
  // Of the 27 nearest 10 are in the middle.
  EXPECT_NEAR(framing.eyes_astray, 17.0 / 27 * 0.1 / 0.4, 1e-9);
  EXPECT_EQ(judge(framing), FramingVerdict::alike);
  for (auto& one : found) {  // twice as wide
    one->picture.width *= 2;
    one->face.left_eye.x *= 2;
    one->face.right_eye.x *= 2;
  }
  EXPECT_NEAR(measure_framing(found).eyes_astray, framing.eyes_astray, 1e-9);

  for (int i = 0; i < 30; ++i) {
    found[static_cast<size_t>(i)] = framed(0.5 + 0.2 * (i % 3 - 1), 0.4, 0.4);
  }
  EXPECT_EQ(judge(measure_framing(found)), FramingVerdict::astray);
}

TEST(Framing, OneInTenMayBeAWrongFace) {
  std::vector<std::optional<FramedFace>> found;
  for (int i = 0; i < 27; ++i) found.emplace_back(framed(0.5, 0.4, 0.36));
  for (int i = 0; i < 3; ++i) found.emplace_back(framed(0.9, 0.9, 0.05));
  const Framing framing = measure_framing(found);
  EXPECT_NEAR(framing.eyes_astray, 0, 1e-9);
  EXPECT_EQ(judge(framing), FramingVerdict::alike);
}

TEST(Framing, FacesThatFillLittleOfThePictureAreSmall) {
  std::vector<std::optional<FramedFace>> found(20, framed(0.5, 0.4, 0.17));
  EXPECT_EQ(judge(measure_framing(found)), FramingVerdict::small);
}

TEST(Framing, FewFacesTellNothing) {
  EXPECT_EQ(judge(measure_framing({})), FramingVerdict::few_faces);
  std::vector<std::optional<FramedFace>> found(7, framed(0.5, 0.4, 0.17));
  EXPECT_EQ(judge(measure_framing(found)), FramingVerdict::few_faces);
  found.push_back(found.front());
  EXPECT_EQ(judge(measure_framing(found)), FramingVerdict::small);
  found.resize(17);  // in eight of seventeen
  const Framing framing = measure_framing(found);
  EXPECT_EQ(framing.pictures, 17u);
  EXPECT_EQ(framing.faces, 8u);
  EXPECT_EQ(judge(framing), FramingVerdict::few_faces);
}

}  // namespace
}  // namespace doppel::internal
