#include "doppel/service/loopback.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

TEST(Loopback, IsThisMachineAlone) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"", "0.0.0.0", "10.0.0.1", "127.0.0.1.example.org", "localhost.example",
                           "::", "1270.0.0.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace doppel::internal
