#include "doppel/base/words.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

TEST(Words, ThingsAreCounted) {
  EXPECT_EQ(plural(1, "person"), "1 person");
  EXPECT_EQ(plural(2, "new person"), "2 new people");
  EXPECT_EQ(plural(0, "identity"), "0 identities");
  EXPECT_EQ(plural(3, "photo"), "3 photos");
}

TEST(Words, OfManyNamesSomeAreSaid) {
  EXPECT_EQ(enumerated({}), "");
  EXPECT_EQ(enumerated({"a"}), "a");
  EXPECT_EQ(enumerated({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(enumerated({"a", "b", "c", "d", "e"}), "a, b, c, d and e");
  EXPECT_EQ(enumerated({"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 more");
}

}  // namespace
}  // namespace doppel::internal
