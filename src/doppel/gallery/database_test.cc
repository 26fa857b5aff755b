#include "doppel/gallery/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "doppel/gallery/database_fixture.h"

namespace doppel::internal {
namespace {

const std::vector<std::string> kTables = {"t"};

class OneDatabase : public DatabaseTest {
 protected:
  std::unique_ptr<Database> created() const {
    auto database = open_database(place(), Access::create);
    const std::vector<std::string> tables = {
        "CREATE TABLE t (id @id, n BIGINT, x DOUBLE PRECISION, s TEXT, b @bytes)"};
    database->create(tables, [] {});
    return database;
  }

  static int64_t count(Database& database) {
    int64_t count = -1;
    database.run("SELECT COUNT(*) FROM t", {}, [&](const SqlRow& row) { count = row.integer(0); });
    return count;
  }
};
EVERY_DATABASE(OneDatabase);

TEST_P(OneDatabase, ValuesComeBackAsTheyWere) {
  const auto database = created();
  const std::string text = "O'Hara \xF0\x9F\xA6\x8A", bytes("\0\1\xff'", 4);
  database->run("INSERT INTO t (n, x, s, b) VALUES ($1, $2, $3, $4)",
                {int64_t{-5}, 0.1, std::string_view(text), Bytes{bytes}});
  database->run("INSERT INTO t (b) VALUES ($1)", {Bytes{{}}});
  int rows = 0;
  database->run("SELECT n, x, s, b FROM t ORDER BY id", {}, [&](const SqlRow& row) {
    if (rows++ == 0) {
      EXPECT_EQ(row.integer(0), -5);
      EXPECT_EQ(row.real(1), 0.1);
      EXPECT_EQ(row.text(2), text);
      EXPECT_EQ(row.bytes(3), bytes);
      refused([&] { row.text(0); }, ErrorKind::bad_data, "damaged: its column \"n\"");
    } else {
      EXPECT_EQ(row.bytes(3), "");
      refused([&] { row.integer(0); }, ErrorKind::bad_data, "damaged: its column \"n\"");
      refused([&] { row.text(2); }, ErrorKind::bad_data, "damaged: its column \"s\"");
    }
  });
  EXPECT_EQ(rows, 2);
}

TEST_P(OneDatabase, WhatIsNotCommittedIsNotThere) {
  const auto database = created();
  {
    WriteTransaction transaction(*database);
    database->run("INSERT INTO t (n) VALUES (1)");
    EXPECT_EQ(count(*database), 1);
  }
  EXPECT_EQ(count(*database), 0);
  {
    WriteTransaction transaction(*database);
    database->run("INSERT INTO t (n) VALUES (1)");
    transaction.commit();
  }
  EXPECT_EQ(count(*database), 1);
}

TEST_P(OneDatabase, ReadersSeeOneStateWhileOneWrites) {
  const auto writer = created();
  const auto reader = open_database(place(), Access::read);
  ReadTransaction reading(*reader);
  EXPECT_EQ(count(*reader), 0);
  writer->run("INSERT INTO t (n) VALUES (1)");
  EXPECT_EQ(count(*reader), 0);
  EXPECT_EQ(count(*open_database(place(), Access::read)), 1);
  EXPECT_FALSE(writer->purge(kTables)) << "a reader holds the old state";
}

TEST_P(OneDatabase, ASecondWriterIsToldAfterAWhile) {
  const auto first = created(), second = open_database(place(), Access::read_write);
  WriteTransaction writing(*first);
  refused([&] { second->begin_write(); }, ErrorKind::io, "locked by another process");
  EXPECT_EQ(count(*second), 0) << "it goes on reading";
}

TEST_P(OneDatabase, ReadingChangesNothing) {
  created();
  const auto reader = open_database(place(), Access::read);
  refused([&] { reader->run("INSERT INTO t (n) VALUES (1)"); }, ErrorKind::io, "read-only");
}

TEST_P(OneDatabase, KnowsItsTables) {
  const auto database = created();
  EXPECT_TRUE(database->has_table("t"));
  EXPECT_FALSE(database->has_table("u"));
}

TEST_P(OneDatabase, ReadsMoreThanFitsInOneAnswer) {
  const auto database = created();
  constexpr int64_t kRows = 2500;
  {
    WriteTransaction transaction(*database);
    for (int64_t i = 0; i < kRows; ++i) database->run("INSERT INTO t (n) VALUES ($1)", {i});
    transaction.commit();
  }
  ReadTransaction transaction(*database);
  int64_t next = 0;
  database->run("SELECT n FROM t WHERE n >= $1 ORDER BY n", std::vector<SqlValue>{int64_t{0}},
                [&](const SqlRow& row) { EXPECT_EQ(row.integer(0), next++); });
  EXPECT_EQ(next, kRows);
  EXPECT_EQ(count(*database), kRows) << "and then something else";
}

TEST_P(OneDatabase, TellsOfChangesByOthers) {
  const auto writer = created(), reader = open_database(place(), Access::read);
  EXPECT_TRUE(reader->changed()) << "of what was before it came, nobody could tell";
  {
    WriteTransaction transaction(*writer);
    writer->run("INSERT INTO t (n) VALUES (1)");
    transaction.commit();
  }
  // A server's word takes a moment.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  bool told = false;
  while (!told && std::chrono::steady_clock::now() < end) told = reader->changed();
  EXPECT_TRUE(told);
  EXPECT_EQ(count(*reader), 1);
}

}  // namespace
}  // namespace doppel::internal
