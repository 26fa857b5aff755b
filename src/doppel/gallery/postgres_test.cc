#include "doppel/gallery/postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "doppel/base/disk_full.h"
#include "doppel/gallery/database_fixture.h"

// The leak sanitizer asks: libpqxx 6.4 forgets the result of a statement whose connection was lost.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx"; }

namespace doppel::internal {
namespace {

class Postgres : public testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresServer::the();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
    place_ = server_->new_place();
    const std::vector<std::string> tables = {"CREATE TABLE t (id @id, n BIGINT)"};
    open_postgres(place_, Access::create)->create(tables, [] {});
  }

  static void insert(Database& database) {
    WriteTransaction transaction(database);
    database.run("INSERT INTO t (n) VALUES (1)");
    transaction.commit();
  }
  static int64_t count(Database& database) {
    int64_t count = -1;
    database.run("SELECT COUNT(*) FROM t", {}, [&](const SqlRow& row) { count = row.integer(0); });
    return count;
  }
  // True once `what` is; false where it is not within `patience`.
  static bool soon(const std::function<bool()>& what, std::chrono::seconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      if (what()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  PostgresServer* server_ = nullptr;
  std::string place_;
};

TEST_F(Postgres, TellsOfChangesWithoutBeingAsked) {
  const auto one = open_postgres(place_, Access::read_write);
  const auto other = open_postgres(place_, Access::read);
  EXPECT_TRUE(other->changed());
  EXPECT_FALSE(other->changed());
  insert(*one);
  EXPECT_TRUE(soon([&] { return other->changed(); }, std::chrono::seconds(1)));
  EXPECT_FALSE(other->changed());
  {
    WriteTransaction transaction(*one);
    one->run("INSERT INTO t (n) VALUES (1)");
  }
  EXPECT_FALSE(soon([&] { return other->changed(); }, std::chrono::seconds(1)))
      << "nothing was committed";
}

TEST_F(Postgres, ALostConnectionIsReportedAndHealed) {
  const auto database = open_postgres(place_, Access::read_write);
  EXPECT_TRUE(database->changed());
  EXPECT_FALSE(database->changed());
  ASSERT_EQ(server_->stop(), 0);
  refused([&] { count(*database); }, ErrorKind::io, "the PostgreSQL server");
  refused([&] { insert(*database); }, ErrorKind::io, "the PostgreSQL server cannot be used");
  refused([&] { database->changed(); }, ErrorKind::io, "the PostgreSQL server cannot be used");
  ASSERT_EQ(server_->start(), 0);
  const auto answers = [&] {
    try {
      return count(*database) == 0;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(soon(answers, std::chrono::seconds(10)));
  EXPECT_TRUE(database->changed()) << "nobody knows what was missed";
  insert(*database);
  EXPECT_TRUE(database->changed());
  // Gone and back between two calls: nobody needs to know.
  ASSERT_EQ(server_->stop(), 0);
  ASSERT_EQ(server_->start(), 0);
  EXPECT_EQ(count(*database), 1);
}

TEST_F(Postgres, AConnectionLostWithinAChangeTakesItBack) {
  const auto database = open_postgres(place_, Access::read_write);
  {
    WriteTransaction transaction(*database);
    database->run("INSERT INTO t (n) VALUES (1)");
    ASSERT_EQ(server_->stop(), 0);
    ASSERT_EQ(server_->start(), 0);
    refused([&] { database->run("INSERT INTO t (n) VALUES (2)"); }, ErrorKind::io,
            "was lost; nothing was changed");
    refused([&] { database->run("INSERT INTO t (n) VALUES (3)"); }, ErrorKind::io, "was lost");
    refused([&] { transaction.commit(); }, ErrorKind::io, "was lost");
  }
  EXPECT_EQ(count(*database), 0);
  insert(*database);
  EXPECT_EQ(count(*database), 1);
}

TEST_F(Postgres, AFullDiskIsToldFromOtherFailures) {
  const auto database = open_postgres(place_, Access::read_write);
  const auto full = [&] {  // as the server says it
    database->run("DO $x$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $x$");
  };
  EXPECT_THROW(full(), DiskFull);
  refused(full, ErrorKind::io, "the server's disk is full; nothing was changed");
  database->check_room();
  database->check_room();
  EXPECT_FALSE(database->has_table("doppel_room"));
}

TEST_F(Postgres, SaysInOneLineWhatIsWrongWithAPlace) {
  const auto opening = [](const std::string& url) {
    return [url] { open_postgres(url, Access::read); };
  };
  refused(opening("postgresql:///people?host=/nonexistent"), ErrorKind::io,
          "the PostgreSQL server cannot be used");
  std::string nowhere = place_;
  nowhere.replace(nowhere.find("/postgres?"), 10, "/nothing?");
  refused(opening(nowhere), ErrorKind::io, "database \"nothing\" does not exist");
  try {
    open_postgres("postgresql:///people?host=/nonexistent,/nowhere", Access::read);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere"));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

TEST_F(Postgres, APasswordMayHoldWhatUrlsAreMadeOf) {
  const std::string plain = place_.substr(place_.find('@'));
  for (const std::string password : {"W1?W2", "W1#W2", "W1%40W2%2FW3", "W1:W2&W3=W4", "W1 'W2\\"}) {
    const std::string url = "postgresql://postgres:" + password + plain;
    const auto database = open_postgres(url, Access::read_write);
    EXPECT_EQ(database->name(), open_postgres(place_, Access::read)->name());
    EXPECT_EQ(count(*database), 0) << "the option that names the schema was lost";
  }
  const std::string strange = "postgresql://postgres:nothing" +
                              std::string(plain).replace(plain.find("/postgres?"), 10, "/nothing?");
  refused([&] { open_postgres(strange, Access::read); }, ErrorKind::io,
          "database \"nothing\" does not exist");
  // By chance, or because it stands in another place, too.
  std::string told = strange;
  told.replace(told.find("nothing@"), 7, "does%20not%20exist");
  refused([&] { open_postgres(told, Access::read); }, ErrorKind::io,
          "cannot be used: what it said holds the password and is not repeated");
}

}  // namespace
}  // namespace doppel::internal
