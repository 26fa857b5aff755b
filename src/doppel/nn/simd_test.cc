#include "doppel/nn/simd.h"

#include <gtest/gtest.h>

#include <set>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(Simd, TheBestIsUsedUntilAnotherIsNamed) {
  const std::vector<std::string> names = simd_names();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "plain");
  EXPECT_EQ(simd_name(), names.front());
  use_simd("plain");
  EXPECT_EQ(simd_name(), "plain");
  EXPECT_EQ(simd_names(), names);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size())
      << "a name for each, on the newest processors, too";
  use_simd(names.front());
  EXPECT_EQ(simd_name(), names.front());
}

TEST(Simd, AnUnknownNameIsRefusedWithTheKnownOnes) {
  try {
    use_simd("MMX");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("plain"), std::string::npos);
  }
}

}  // namespace
}  // namespace doppel::internal
