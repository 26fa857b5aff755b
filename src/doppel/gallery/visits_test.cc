#include "doppel/gallery/visits.h"

#include <gmock/gmock.h>

namespace doppel::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// People are points of a line, far from each other; photos of one lie within 0.1.
constexpr double kNear = 0.5;

struct Faces {
  std::vector<VisitFace> faces;
  Matrix embeddings{0, 1};
};
Faces faces_on(const std::string& photo, const std::vector<float>& points) {
  Faces faces;
  for (const float point : points) {
    faces.faces.push_back({photo, {}});
    faces.embeddings.append(std::vector<float>{point});
  }
  return faces;
}

class VisitsTest : public testing::Test {
 protected:
  std::vector<Visit> see(double seconds, const std::string& photo,
                         const std::vector<float>& points) {
    const Faces faces = faces_on(photo, points);
    return visits_.add(seconds, faces.faces, faces.embeddings, kNear);
  }
  static std::vector<std::string> photos(const Visit& visit) {
    std::vector<std::string> photos;
    for (const VisitFace& face : visit.faces) photos.push_back(face.photo);
    return photos;
  }

  Visits visits_{VisitSettings{3, 2}, Energy{}};
};

TEST_F(VisitsTest, OneWhoStaysIsDecidedOnceByTheFirstPhotos) {
  EXPECT_THAT(see(0, "a", {1.0f}), IsEmpty());
  EXPECT_THAT(see(1, "b", {1.1f}), IsEmpty());
  const std::vector<Visit> decided = see(2, "c", {1.2f});
  ASSERT_EQ(decided.size(), 1u);
  EXPECT_THAT(photos(decided[0]), ElementsAre("a", "b", "c"));
  EXPECT_NEAR(decided[0].embedding[0], 1.1, 1e-6);
  for (int second = 3; second < 60; ++second) EXPECT_THAT(see(second, "d", {1.0f}), IsEmpty());
  EXPECT_THAT(visits_.end_all(), IsEmpty());
}

TEST_F(VisitsTest, AGapEndsAVisit) {
  see(0, "a", {1.0f});
  EXPECT_THAT(visits_.end(2), IsEmpty());
  std::vector<Visit> ended = visits_.end(2.1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_THAT(photos(ended[0]), ElementsAre("a"));
  EXPECT_EQ(ended[0].embedding, std::vector<float>{1.0f});
  EXPECT_EQ(visits_.open(), 0u);
  // Who comes back is another visit, also where only the next photo shows that time has passed.
  see(3, "b", {1.0f});
  ended = see(6, "c", {1.0f});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_THAT(photos(ended[0]), ElementsAre("b"));
  EXPECT_EQ(visits_.open(), 1u);
}

TEST_F(VisitsTest, PeopleInTurnAndTogetherAreVisitsOfTheirOwn) {
  see(0, "a", {1.0f});
  see(0.5, "b", {3.0f});
  see(1, "c", {3.1f, 1.1f});
  const std::vector<Visit> decided = see(1.5, "d", {1.0f, 3.0f});
  ASSERT_EQ(decided.size(), 2u);
  EXPECT_THAT(photos(decided[0]), ElementsAre("a", "c", "d"));
  EXPECT_THAT(photos(decided[1]), ElementsAre("b", "c", "d"));
  EXPECT_NEAR(decided[1].embedding[0], 3.0333, 1e-3);
}

// Two who look alike are two people where one photo shows both; each goes on with the nearest.
TEST_F(VisitsTest, FacesOfOnePhotoAreDifferentPeople) {
  see(0, "a", {1.0f, 1.3f});
  EXPECT_EQ(visits_.open(), 2u);
  see(1, "b", {1.25f, 1.05f});
  const std::vector<Visit> ended = visits_.end_all();
  ASSERT_EQ(ended.size(), 2u);
  std::vector<float> means{ended[0].embedding[0], ended[1].embedding[0]};
  EXPECT_THAT(means, testing::UnorderedElementsAre(testing::FloatNear(1.025f, 1e-4f),
                                                   testing::FloatNear(1.275f, 1e-4f)));
}

TEST_F(VisitsTest, TheEndDecidesWhatIsOpen) {
  see(0, "a", {1.0f, 5.0f});
  see(0.1, "b", {5.0f});
  const std::vector<Visit> ended = visits_.end_all();
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_THAT(photos(ended[0]), ElementsAre("a"));
  EXPECT_THAT(photos(ended[1]), ElementsAre("a", "b"));
  EXPECT_EQ(visits_.open(), 0u);
}

TEST_F(VisitsTest, ACrowdIsBounded) {
  size_t decided = 0;
  for (size_t i = 0; i < 2 * Visits::kMostOpen; ++i) {
    decided += see(0, "a", {static_cast<float>(i)}).size();
  }
  EXPECT_EQ(visits_.open(), Visits::kMostOpen);
  EXPECT_EQ(decided, Visits::kMostOpen) << "nobody is forgotten";
}

}  // namespace
}  // namespace doppel::internal
