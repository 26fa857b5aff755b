#include "doppel/data/rotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Identities "a" (two images) and "b" (one), 2 x 2, of values in quarters.
Dataset small() {
  Dataset dataset;
  dataset.source = "small";
  dataset.identities = {{"a", 0, 2}, {"b", 2, 1}};
  dataset.images = {{2, 2, {0, 0.25f, 0.5f, 0.75f}}, {2, 2, {1, 0, 0, 0}}, {2, 2, {0, 1, 0, 0}}};
  dataset.image_names = {"a/1.png", "a/2.png", "b/1.png"};
  dataset.identity_of = {0, 0, 1};
  seal(dataset);
  return dataset;
}

TEST(Rotations, TurnCounterClockwise) {
  const Dataset dataset = small(), turned = with_rotations(dataset);
  std::vector<std::string> names;
  for (const Identity& identity : turned.identities) names.push_back(identity.name);
  EXPECT_THAT(names, ElementsAre("a", "a@90", "a@180", "a@270", "b", "b@90", "b@180", "b@270"));
  ASSERT_EQ(turned.images.size(), 12u);
  EXPECT_EQ(turned.images[0].pixels, dataset.images[0].pixels);
  EXPECT_THAT(turned.images[2].pixels, ElementsAre(0.25f, 0.75f, 0, 0.5f));
  EXPECT_THAT(turned.images[4].pixels, ElementsAre(0.75f, 0.5f, 0.25f, 0));
  EXPECT_THAT(turned.images[6].pixels, ElementsAre(0.5f, 0, 0.75f, 0.25f));
  EXPECT_THAT(turned.images[5].pixels, ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(turned.images[9].pixels, ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(turned.image_names[5], "a@180/2.png");
  EXPECT_THAT(turned.identity_of, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7));
  EXPECT_EQ(turned.identities[3].first, 6u);
  EXPECT_EQ(turned.identities[3].count, 2u);
  EXPECT_EQ(turned.identities[7].first, 11u);
}

TEST(Rotations, DigestsAreThoseOfTheImagesAndTheTurns) {
  const Dataset dataset = small(), turned = with_rotations(dataset);
  const std::set<std::string> all(turned.image_digests.begin(), turned.image_digests.end());
  EXPECT_EQ(all.size(), 12u);
  EXPECT_EQ(turned.image_digests[1], dataset.image_digests[1]);
  EXPECT_NE(turned.digest, dataset.digest);
  const size_t unturned[] = {0, 4};
  EXPECT_EQ(select_identities(turned, unturned).digest, dataset.digest);
}

TEST(Rotations, NeedSquares) {
  try {
    with_rotations(synthetic_dataset(2, 1, 1));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("s1/1.pgm is 92 x 112"));
  }
}

}  // namespace
}  // namespace doppel::internal
