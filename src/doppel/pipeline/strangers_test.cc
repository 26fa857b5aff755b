#include "doppel/pipeline/strangers.h"

#include <gmock/gmock.h>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
using testing::Not;

Dataset people_with_names(uint64_t seed, const std::string& start) {
  Dataset people = synthetic_dataset(3, 2, seed);
  for (Identity& identity : people.identities) identity.name.insert(0, start);
  return people;
}

Error refusal_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::io, "nothing was thrown"};
}

class Strangers : public testing::Test {
 protected:
  void SetUp() override { model_.training.seen = remember(people_with_names(1, "")); }

  Model model_;
};

TEST_F(Strangers, AreMeasured) {
  EXPECT_TRUE(check_strangers(model_, people_with_names(2, "other "), false, "-o").empty());
  EXPECT_TRUE(check_namesakes(model_, people_with_names(2, "other "), false, "-o").empty());
  EXPECT_EQ(mark_text({}), "");
}

TEST_F(Strangers, WhoIsKnownByNameOrPictureIsRefused) {
  const Error by_name =
      refusal_of([&] { check_strangers(model_, people_with_names(2, ""), false, "--allow-seen"); });
  EXPECT_EQ(by_name.kind(), ErrorKind::seen_people);
  EXPECT_THAT(by_name.what(), HasSubstr("s1, s2 and s3 by name. --allow-seen measures them"));
  const Error by_picture = refusal_of(
      [&] { check_strangers(model_, people_with_names(1, "other "), false, "the option"); });
  EXPECT_EQ(by_picture.kind(), ErrorKind::seen_people);
  EXPECT_THAT(by_picture.what(), HasSubstr("6 images"));
  EXPECT_THAT(by_picture.what(), Not(HasSubstr("by name")));

  const SeenOverlap seen = check_strangers(model_, people_with_names(1, ""), true, "-o");
  EXPECT_EQ(seen.identities.size(), 3u);
  EXPECT_THAT(mark_text(seen), HasSubstr("no measure of unseen people"));
}

TEST_F(Strangers, NamesakesMayBeOthersButPicturesAreNot) {
  const auto check = [&](const Dataset& people, bool allowed) {
    return refusal_of([&] { check_namesakes(model_, people, allowed, "-o"); });
  };
  EXPECT_EQ(check(people_with_names(2, ""), false).kind(), ErrorKind::seen_people);
  EXPECT_THAT(check(people_with_names(2, ""), true).what(), HasSubstr("nothing was thrown"));
  EXPECT_EQ(check(people_with_names(1, "other "), true).kind(), ErrorKind::seen_people);
}

TEST_F(Strangers, AModelWithoutHashesSaysSo) {
  EXPECT_FALSE(unhashed_note(model_));
  model_.training.seen.unhashed = 4;
  EXPECT_THAT(unhashed_note(model_).value(), HasSubstr("of 4 images"));
}

}  // namespace
}  // namespace doppel::internal
