#include "doppel/model/seen_people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(SeenPeople, RemembersDigestsInOrderAndNoNames) {
  const Dataset people = synthetic_dataset(3, 2, 1);
  const SeenPeople seen = remember(people);
  EXPECT_EQ(seen.identities.size(), 3u);
  EXPECT_EQ(seen.images.size(), 6u);
  EXPECT_TRUE(std::ranges::is_sorted(seen.images));
  EXPECT_THAT(seen.images, testing::UnorderedElementsAreArray(people.image_digests));
  EXPECT_THAT(to_json(seen).dump(), testing::Not(testing::HasSubstr("s1")));
}

TEST(SeenPeople, RemembersAHashOfEveryPhoto) {
  const Dataset people = synthetic_dataset(3, 2, 1);
  const SeenPeople seen = remember(people);
  EXPECT_EQ(seen.hashes.size(), 6u);
  EXPECT_EQ(seen.unhashed, 0u);
  EXPECT_TRUE(std::ranges::is_sorted(seen.hashes));
  EXPECT_TRUE(std::ranges::binary_search(seen.hashes, people.image_hashes[3].front()));
  Dataset blank = people;
  blank.image_hashes[0].clear();
  EXPECT_EQ(remember(blank).hashes.size(), 5u);
  EXPECT_EQ(remember(blank).unhashed, 0u);
  blank.image_hashes.pop_back();
  EXPECT_THROW(remember(blank), Error);
}

// A file of an older version is read, and tells of how many photos it has no hash; what is seen
// afterwards has one.
TEST(SeenPeople, OlderFilesHaveNoHashes) {
  const SeenPeople now = remember(synthetic_dataset(3, 2, 1));
  nlohmann::json json = to_json(now);
  json.erase("hashes");
  const SeenPeople old = seen_people_from_json(json, "m");
  EXPECT_EQ(old.images, now.images);
  EXPECT_TRUE(old.hashes.empty());
  EXPECT_EQ(old.unhashed, 6u);
  EXPECT_EQ(to_json(old), json);
  const SeenPeople later = joined(old, remember(synthetic_dataset(2, 2, 7)));
  EXPECT_EQ(later.hashes.size(), 4u);
  EXPECT_EQ(later.unhashed, 6u);
  EXPECT_EQ(seen_people_from_json(to_json(later), "m"), later);
  for (const char* wrong : {"-1", "11", "1.5", "\"6\"", "null"}) {
    json = to_json(later);
    json["unhashed"] = nlohmann::json::parse(wrong);
    EXPECT_THROW(seen_people_from_json(json, "m"), Error) << wrong;
  }
}

TEST(SeenPeople, JoinedHoldsEachOnce) {
  const std::string a(64, 'a'), b(64, 'b'), c(64, 'c');
  EXPECT_EQ(joined({{a, c}, {b}}, {{b, c}, {a, b}}), (SeenPeople{{a, b, c}, {a, b}}));
}

TEST(SeenPeople, SurvivesJson) {
  const SeenPeople seen = remember(synthetic_dataset(3, 2, 1));
  EXPECT_EQ(seen_people_from_json(nlohmann::json::parse(to_json(seen).dump()), "m"), seen);
}

TEST(SeenPeople, RefusesJsonThatIsNone) {
  const nlohmann::json good = to_json(remember(synthetic_dataset(2, 2, 1)));
  for (const char* field : {"identities", "images", "hashes"}) {
    for (const char* value : {"7", "[7]", R"(["ab"])", "{}", "null"}) {
      nlohmann::json json = good;
      json[field] = nlohmann::json::parse(value);
      try {
        seen_people_from_json(json, "m.safetensors");
        ADD_FAILURE() << field << value;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::bad_data);
        EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: "));
        EXPECT_THAT(error.what(), testing::HasSubstr(field));
      }
    }
  }
  EXPECT_THROW(seen_people_from_json(nlohmann::json::array(), "m"), Error);
}

}  // namespace
}  // namespace doppel::internal
