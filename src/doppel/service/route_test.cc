#include "doppel/service/route.h"

#include <gtest/gtest.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

RouteTable table_of(const std::vector<std::pair<std::string, std::string>>& routes) {
  RouteTable table;
  for (const auto& [method, path] : routes) table.add({.method = method, .path = path});
  return table;
}

RouteTable::Match found(const RouteTable& table, const std::string& method,
                        const std::string& target) {
  HttpRequest request;
  request.method = method;
  read_target(target, request);
  return table.find(request);
}

TEST(RouteTable, FindsByMethodAndPath) {
  const RouteTable table = table_of({{"GET", "/"},
                                     {"GET", "/people"},
                                     {"POST", "/people/delete"},
                                     {"GET", "/people/{name}"},
                                     {"DELETE", "/people/{name}"},
                                     {"GET", "/people/{name}/photos/{id}"}});
  EXPECT_EQ(found(table, "GET", "/").route->path, "/");
  EXPECT_EQ(found(table, "HEAD", "/people").route->path, "/people");
  EXPECT_EQ(found(table, "GET", "/people/").route->path, "/people");
  const RouteTable::Match person = found(table, "DELETE", "/people/Ada%2FGrace%20H");
  EXPECT_EQ(person.route->method, "DELETE");
  EXPECT_EQ(person.path.at("name"), "Ada/Grace H");
  const RouteTable::Match photo = found(table, "GET", "/people/a/photos/7?x=1");
  EXPECT_EQ(photo.path.at("name"), "a");
  EXPECT_EQ(photo.path.at("id"), "7");
  EXPECT_EQ(found(table, "POST", "/people/delete").route->path, "/people/delete");
}

TEST(RouteTable, TellsWhatIsNotThere) {
  const RouteTable table = table_of({{"GET", "/a/{b}"}, {"PUT", "/a/{b}"}, {"GET", "/a"}});
  const RouteTable::Match wrong = found(table, "POST", "/a/x");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.known, "/a/{b}");
  EXPECT_EQ(wrong.allowed, "GET, PUT");
  for (const char* path : {"/", "/b", "/a/x/y", "/a//", "//a", "/a/{b}/"}) {
    const RouteTable::Match none = found(table, "DELETE", path);
    EXPECT_EQ(none.route, nullptr) << path;
  }
  EXPECT_TRUE(found(table, "GET", "/b").known.empty());
}

TEST(RouteRequest, ReadsItsQuery) {
  HttpRequest http;
  read_target("/x?top=3&deep=true&python=False&bad=3x&flag=yes", http);
  RequestRecord record;
  const std::map<std::string, std::string> path;
  const RouteRequest request{http, path, Role::recognise, record};
  EXPECT_EQ(request.number("top", 1, 1, 10), 3u);
  EXPECT_EQ(request.number("other", 7, 1, 10), 7u);
  EXPECT_THROW(request.number("top", 1, 4, 10), Error);
  EXPECT_THROW(request.number("bad", 1, 1, 10), Error);
  EXPECT_TRUE(request.flag("deep", false));
  EXPECT_FALSE(request.flag("python", true));
  EXPECT_TRUE(request.flag("other", true));
  EXPECT_THROW(request.flag("flag", false), Error);
  EXPECT_EQ(request.text("other"), "");
  EXPECT_NO_THROW(request.check_time());
  http.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_THROW(request.check_time(), Refusal);
}

}  // namespace
}  // namespace doppel::internal
