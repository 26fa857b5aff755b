#include "doppel/base/utc_time.h"

#include <gtest/gtest.h>

#include <ctime>

namespace doppel::internal {
namespace {

TEST(UtcTime, IsNow) {
  const std::time_t before = std::time(nullptr);
  const std::string text = utc_time();
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  ASSERT_NE(end, nullptr) << text;
  EXPECT_EQ(*end, '\0') << text;
  EXPECT_GE(timegm(&parts), before);
  EXPECT_LE(timegm(&parts), before + 60);
}

}  // namespace
}  // namespace doppel::internal
