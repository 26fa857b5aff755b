#include "doppel/model/seen_people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/error.h"
#include "doppel/data/synthetic.h"

namespace doppel {
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
  for (const char* field : {"identities", "images"}) {
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
}  // namespace doppel
