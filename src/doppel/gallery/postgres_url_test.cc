#include "doppel/gallery/postgres_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/postgres.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
using testing::Not;

class PostgresUrlTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      shown_postgres("postgresql:///");
    } catch (const Error&) {
      GTEST_SKIP() << "built without PostgreSQL";
    }
  }
};

TEST_F(PostgresUrlTest, IsShownWithoutItsPassword) {
  const std::pair<const char*, const char*> urls[] = {
      {"postgresql://ada:s3:cret@db:5433/people", "postgresql://ada@db:5433/people"},
      {"postgresql://ada@db/people", "postgresql://ada@db/people"},
      {"postgres://db:5433/people", "postgresql://db:5433/people"},
      {"postgresql:///p?user=ada&password=s3cret&host=/tmp", "postgresql://ada@/p?host=/tmp"},
      {"postgresql:///p?p%61ssword=s3cret", "postgresql:///p"},
      {"postgresql://db/p?sslpassword=x&sslmode=require", "postgresql://db/p?sslmode=require"},
      {"postgresql://ada:a?b#c@db/p", "postgresql://ada@db/p"},
      {"postgresql://ada:%40%2F%3A@[::1]:5433/p", "postgresql://ada@[::1]:5433/p"},
      {"postgresql://ada:x@h1:5433,h2/p", "postgresql://ada@/p?host=h1,h2&port=5433,"},
      {"postgresql://a%40b:x@db/p%3fq", "postgresql://a%40b@db/p%3Fq"},
      {"postgresql:///p?user=ada&password=a@b", "postgresql://ada@/p"},
      {"postgresql:///p?host=%0A/tmp", "postgresql:///p?host=%0A/tmp"},
      // What may be a part of a password is not told from one.
      {"postgresql://ada:s3@cret@db/people", "postgresql://..."},
      {"postgresql://ada:s3/cret@db/people", "postgresql://..."},
      {"postgresql://ada@here:s3cret@db/people", "postgresql://..."},
      {"postgresql://ada/s3cret@db", "postgresql://..."},
      {"postgresql://ada:s3%cret@db/people", "postgresql://..."},
      {"postgresql://ada:s3cret/people", "postgresql://..."},
      {"postgresql://db/people&password=s3cret", "postgresql://..."},
      {"postgresql://db/people?sslmode=require;Password=s3cret", "postgresql://..."},
      {"postgresql://?password=s3:cret@db/people", "postgresql://..."},
      {"postgresql://ada%3As3cret@db/people", "postgresql://..."},
      {"postgresql://db/people?pwd=s3cret", "postgresql://..."},
  };
  for (const auto& [url, shown] : urls) EXPECT_EQ(shown_location(url), shown) << url;
}

TEST_F(PostgresUrlTest, NoMessageHoldsAPartOfThePassword) {
  // The parts of the password are W1 to W4, so that any of them is found.
  const std::vector<std::string> passwords = {
      "W1?W2",        "W1@W2",       "W1@W2@W3",      "W1#W2",      "W1%W2",   "W1%zzW2",
      "W1/W2",        "W1//W2@W3",   "W1 W2",         "W1:W2",      "W1:@W2",  "W1&W2",
      "W1=W2",        "W1'W2",       "W1\"W2",        "W1\\W2",     "W1[W2",   "W1]W2",
      "[W1]W2",       "W1,W2",       "W1;W2",         "?W1",        "@W1",     "#W1",
      "/W1",          "%W1",         ":W1",           "W1?",        "W1@",     "W1#",
      "W1/",          "W1%",         "W1\nW2",        "W1\tW2",     "W1%00W2", "W1?W2=W3&W4",
      "?password=W1", "W1@W2/W3?W4", "W1?host=W2@W3", "W1%40W2@W3", "5432/W1"};
  const std::vector<std::string> forms = {
      "postgresql://ada:*@127.0.0.1:1/people",
      "postgres://ada:*@127.0.0.1:1/people?application_name=x",
      "postgresql://ada:*@127.0.0.1:port/people",
      "postgresql://ada:*@127.0.0.1:99999/people",
      "postgresql://ada:*@[::1/people",
      "postgresql://ada:*@[]/people",
      "postgresql://ada:*@/people?host=/nonexistent",
      "postgresql://ada:*@127.0.0.1:1,127.0.0.1:2/people",
      "postgresql://ada:*@127.0.0.1:1/people?nothing=1",
      "postgresql://ada:*@127.0.0.1:1/people?sslmode=nothing",
      "postgresql://ada:*@127.0.0.1:1/people?password=*",
      "postgresql://ada@db:*@127.0.0.1:1/people",
      "postgresql://:*@127.0.0.1:1/people",
      "postgresql://127.0.0.1:1/people?user=ada&password=*",
      "postgresql:///people?host=127.0.0.1&port=1&password=*",
      "postgresql:///people?host=127.0.0.1&port=1&sslpassword=*&user=ada",
      "postgresql:///people?host=/nonexistent&p%61ssword=*",
      "postgresql+psycopg2://ada:*@127.0.0.1:1/people",
      "postgresql:ada:*@127.0.0.1:1/people",
      "host=127.0.0.1 port=1 password=*",
      "host=127.0.0.1 port=1 user=ada password='*' dbname=people",
  };
  for (const std::string& form : forms) {
    for (const std::string& password : passwords) {
      std::string location = form;
      for (size_t at = location.find('*'); at != std::string::npos; at = location.find('*')) {
        location.replace(at, 1, password);
      }
      std::vector<std::string> said = {shown_location(location)};
      try {
        open_database(location, Access::read);
        ADD_FAILURE() << location << " was opened";
      } catch (const Error& error) {
        said.emplace_back(error.what());
      }
      for (const std::string& text : said) {
        for (const char* part : {"W1", "W2", "W3", "W4"}) {
          EXPECT_THAT(text, Not(HasSubstr(part))) << location;
        }
        EXPECT_THAT(text, Not(HasSubstr("\n")));
      }
    }
  }
}

TEST_F(PostgresUrlTest, ARefusedUrlIsToldHowToWriteIt) {
  const auto opening = [](const std::string& url) {
    return [url] { open_postgres(url, Access::read); };
  };
  const std::string how = "; postgresql://USER:PASSWORD@HOST:PORT/DATABASE was expected, where %40";
  refused(opening("postgresql://ada:p@w@db/people"), ErrorKind::bad_argument,
          "postgresql://...: an @ or a / leaves unclear where the password ends" + how);
  refused(opening("postgresql://ada@db:no-port/people"), ErrorKind::bad_argument,
          "its port is no number from 1 to 65535" + how);
  refused(opening("postgresql://db/people?nothing=1"), ErrorKind::bad_argument,
          "libpq does not read this URL (invalid URI query parameter)" + how);
  refused(opening("postgresql://ada:p%w@db/people"), ErrorKind::bad_argument,
          "libpq does not read this URL (invalid percent-encoded token)" + how);
  refused(opening("postgresql://db/people&password=x"), ErrorKind::bad_argument,
          "its dbname holds a password" + how);
}

}  // namespace
}  // namespace doppel::internal
