#include "doppel/gallery/location.h"

#include <gtest/gtest.h>

#include "doppel/gallery/database_fixture.h"

namespace doppel::internal {
namespace {

TEST(Location, IsAFileOrAServer) {
  EXPECT_TRUE(is_server("postgresql://db.example/people"));
  EXPECT_TRUE(is_server("postgres:///people?host=/run/postgresql"));
  EXPECT_FALSE(is_server("postgresql"));
  EXPECT_FALSE(is_server("./postgresql:/x"));
  EXPECT_FALSE(is_server("./host=db password=x"));
  EXPECT_FALSE(is_server("/srv/door=3/user list"));
  EXPECT_FALSE(is_server("a:b@c?password=x"));
  EXPECT_FALSE(is_server("C:/people"));
  EXPECT_FALSE(is_server(""));
}

TEST(Location, AServerNamedInAnotherWayIsRefusedWithoutItsPassword) {
  const std::pair<const char*, const char*> others[] = {
      {"mysql://ada:s3cret@db/people", "mysql://..."},
      {"postgresql+psycopg2://ada:s3cret@db/people", "postgresql+psycopg2://..."},
      {"jdbc:postgresql://db/people?user=ada&password=s3cret", "jdbc:postgresql://..."},
      {"PostgreSQL://ada:s3cret@db/people", "PostgreSQL://..."},
      {" postgresql://ada:s3cret@db/people", " postgresql://..."},
      {"\"postgresql://ada:s3cret@db/people\"", "\"postgresql://..."},
      {"postgresql:/ada:s3cret@db/people", "postgresql:..."},
      {"postgres:ada:s3cret@db", "postgres:..."},
      {"host=db user=ada password=s3cret", "host=..."},
      {"connect_timeout = 3 password = 's3cret'", "password=..."},
  };
  for (const auto& [location, shown] : others) {
    EXPECT_EQ(shown_location(location), shown);
    refused([&given = location] { is_server(given); }, ErrorKind::bad_argument,
            std::string(shown) + ": a gallery's file was expected, or a PostgreSQL server's URL");
  }
}

TEST(Location, AFileIsShownAsItIs) {
  for (const char* file : {"team.gallery", "./mysql://x", "a:b@c?password=x", "/srv/host=db"}) {
    EXPECT_EQ(shown_location(file), file);
  }
}

}  // namespace
}  // namespace doppel::internal
