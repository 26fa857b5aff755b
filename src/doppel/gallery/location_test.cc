#include "doppel/gallery/location.h"

#include <gtest/gtest.h>

namespace doppel {
namespace {

TEST(Location, IsAFileOrAServer) {
  EXPECT_TRUE(is_server("postgresql://db.example/people"));
  EXPECT_TRUE(is_server("postgres:///people?host=/run/postgresql"));
  EXPECT_FALSE(is_server("postgresql"));
  EXPECT_FALSE(is_server("./postgresql:/x"));
  EXPECT_FALSE(is_server(""));
}

TEST(Location, IsShownWithoutAPassword) {
  const auto shown = shown_location;
  EXPECT_EQ(shown("postgresql://ada:s3:cret@db:5433/people"), "postgresql://ada@db:5433/people");
  EXPECT_EQ(shown("postgresql://ada@db/people"), "postgresql://ada@db/people");
  EXPECT_EQ(shown("postgresql://db:5433/people"), "postgresql://db:5433/people");
  EXPECT_EQ(shown("postgresql:///p?user=ada&password=s3cret&host=/tmp"),
            "postgresql:///p?user=ada&password=***&host=/tmp");
  EXPECT_EQ(shown("postgresql://db/p?sslpassword=x"), "postgresql://db/p?sslpassword=***");
  EXPECT_EQ(shown("a:b@c?password=x"), "a:b@c?password=x") << "a file";
}

}  // namespace
}  // namespace doppel
