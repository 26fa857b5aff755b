#include "doppel/face/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<FoundFace> three() {
  std::vector<FoundFace> faces(3);
  for (size_t i = 0; i < 3; ++i) faces[i].left = static_cast<double>(i);
  faces[0].width = faces[0].height = 80;
  faces[1].width = faces[1].height = 120;
  faces[2].width = faces[2].height = 120;
  return faces;
}

std::string refused(std::vector<FoundFace> faces, FaceChoice choice) {
  const ErrorKind kind = faces.empty() ? ErrorKind::no_face : ErrorKind::several_faces;
  try {
    choose_faces(std::move(faces), choice, "x.jpg");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "not refused";
  return "";
}

TEST(ChooseFaces, TakesAllTheLargestOrTheOnlyOne) {
  EXPECT_EQ(choose_faces(three(), FaceChoice::all, "x").size(), 3u);
  EXPECT_TRUE(choose_faces({}, FaceChoice::all, "x").empty());
  const auto largest = choose_faces(three(), FaceChoice::largest, "x");
  ASSERT_EQ(largest.size(), 1u);
  EXPECT_EQ(largest[0].left, 1);
  EXPECT_EQ(choose_faces({three()[2]}, FaceChoice::one, "x").size(), 1u);
}

TEST(ChooseFaces, SaysWhatToDoWithNoneOrSeveral) {
  for (const FaceChoice choice : {FaceChoice::largest, FaceChoice::one}) {
    EXPECT_THAT(refused({}, choice), HasSubstr("no face was found in x.jpg"));
  }
  EXPECT_THAT(refused(three(), FaceChoice::one),
              AllOf(HasSubstr("3 faces were found in x.jpg"), HasSubstr("largest")));
}

TEST(ChooseFaces, ReadsItsNames) {
  for (const FaceChoice choice : {FaceChoice::all, FaceChoice::largest, FaceChoice::one}) {
    EXPECT_EQ(face_choice(to_string(choice)), choice);
  }
  EXPECT_THROW(face_choice("some"), Error);
}

}  // namespace
}  // namespace doppel::internal
