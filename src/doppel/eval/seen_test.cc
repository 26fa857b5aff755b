#include "doppel/eval/seen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Digests = std::vector<std::string>;

Dataset people_with_digests(const std::vector<std::pair<std::string, size_t>>& persons,
                            const Digests& digests) {
  Dataset dataset;
  for (const auto& [name, count] : persons) {
    dataset.identities.push_back({name, dataset.image_names.size(), count});
    for (size_t i = 1; i <= count; ++i) {
      dataset.image_names.push_back(name + "/" + std::to_string(i));
    }
  }
  dataset.image_digests = digests;
  dataset.image_hashes.resize(dataset.image_names.size());
  return dataset;
}

TEST(Seen, PeopleByTheirNamesAndByTheirPictures) {
  const SeenPeople seen =
      remember(people_with_digests({{"ann", 2}, {"bob", 2}}, {"d4", "a1", "c3", "a1"}));
  EXPECT_THAT(seen.images, ElementsAre("a1", "c3", "d4"));
  EXPECT_EQ(seen.identities.size(), 2u);
  EXPECT_LT(seen.identities[0], seen.identities[1]);

  // New pictures of Bob, an old picture under another name, and somebody new.
  const SeenOverlap overlap = seen_overlap(
      seen, people_with_digests({{"bob", 1}, {"zoe", 2}, {"kim", 1}}, {"x", "y", "c3", "z"}));
  EXPECT_THAT(overlap.identities, ElementsAre("bob", "zoe"));
  EXPECT_THAT(overlap.named, ElementsAre("bob"));
  EXPECT_THAT(overlap.look_alikes, IsEmpty());
  EXPECT_THAT(overlap.images, ElementsAre("zoe/2"));
  EXPECT_FALSE(overlap.empty());
}

TEST(Seen, StrangersAreNotAndAModelThatRemembersNobodySaysNothing) {
  const Dataset strangers = people_with_digests({{"kim", 1}, {"lee", 1}}, {"p", "q"});
  const SeenPeople seen = remember(people_with_digests({{"ann", 1}, {"bob", 1}}, {"a", "b"}));
  EXPECT_TRUE(seen_overlap(seen, strangers).empty());
  EXPECT_TRUE(seen_overlap({}, strangers).empty());
  EXPECT_THAT(seen_overlap(remember(strangers), strangers).images, ElementsAre("kim/1", "lee/1"));
}

// People under other names, their photos twice as large and lighter.
TEST(Seen, CopiesByTheirLooks) {
  const Dataset people = synthetic_dataset(4, 2, 1);
  Dataset copies = people;
  for (Identity& identity : copies.identities) identity.name = "copy of " + identity.name;
  for (Image& image : copies.images) {
    image = resize(image, 2 * image.width, 2 * image.height);
    for (float& grey : image.pixels) grey = 0.2f + 0.7f * grey;
  }
  copies.image_digests.clear();
  copies.image_hashes.clear();
  seal(copies);
  const SeenOverlap overlap = seen_overlap(remember(people), copies);
  EXPECT_THAT(overlap.identities,
              ElementsAre("copy of s1", "copy of s2", "copy of s3", "copy of s4"));
  EXPECT_THAT(overlap.named, IsEmpty());
  EXPECT_THAT(overlap.images, IsEmpty());
  EXPECT_EQ(overlap.look_alikes, people.image_names);
  EXPECT_EQ(to_json(overlap)["look_alikes"].size(), 8u);

  Dataset strangers = synthetic_dataset(4, 2, 2);
  for (Identity& identity : strangers.identities) identity.name = "stranger " + identity.name;
  EXPECT_TRUE(seen_overlap(remember(people), strangers).empty());
}

TEST(Seen, RefusesAnotherNumberOfDigests) {
  EXPECT_THROW(remember(people_with_digests({{"ann", 2}}, {"a"})), Error);
  EXPECT_THROW(seen_overlap({}, people_with_digests({{"ann", 2}}, {"a"})), Error);
}

}  // namespace
}  // namespace doppel::internal
