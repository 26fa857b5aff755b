#include "doppel/eval/seen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/error.h"

namespace doppel {
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

TEST(Seen, RefusesAnotherNumberOfDigests) {
  EXPECT_THROW(remember(people_with_digests({{"ann", 2}}, {"a"})), Error);
  EXPECT_THROW(seen_overlap({}, people_with_digests({{"ann", 2}}, {"a"})), Error);
}

}  // namespace
}  // namespace doppel
