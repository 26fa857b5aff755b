#include "doppel/base/natural_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace doppel::internal {
namespace {

TEST(NaturalOrder, SortsNumbersByValue) {
  std::vector<std::string> names = {"s10", "s2",    "s1",     "10.pgm", "9.pgm",
                                    "s",   "a10b2", "a10b10", ""};
  std::sort(names.begin(), names.end(), natural_less);
  EXPECT_EQ(names, (std::vector<std::string>{"", "9.pgm", "10.pgm", "a10b2", "a10b10", "s", "s1",
                                             "s2", "s10"}));
}

TEST(NaturalOrder, NumbersLongerThanAnyIntegerCompare) {
  EXPECT_TRUE(natural_less("x99999999999999999999998", "x99999999999999999999999"));
  EXPECT_TRUE(natural_less("x99999999999999999999999", "x100000000000000000000000"));
}

TEST(NaturalOrder, IsAStrictOrderOnEqualValues) {
  EXPECT_FALSE(natural_less("a1", "a1"));
  EXPECT_NE(natural_less("a1", "a01"), natural_less("a01", "a1"));
  EXPECT_TRUE(natural_less("a01b1", "a1b2"));
}

}  // namespace
}  // namespace doppel::internal
