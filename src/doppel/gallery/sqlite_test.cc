#include "doppel/gallery/sqlite.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "doppel/base/error.h"

namespace doppel {
namespace {

class Sqlite : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sqliteXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Database> created() const {
    auto database = open_sqlite(folder_ / "g", Access::create);
    const std::vector<std::string> tables = {
        "CREATE TABLE t (id @id, n BIGINT, x DOUBLE PRECISION,"
        " s TEXT, b @bytes)"};
    database->create(tables, [] {});
    return database;
  }

  static int64_t count(Database& database) {
    int64_t count = -1;
    database.run("SELECT COUNT(*) FROM t", {}, [&](const SqlRow& row) { count = row.integer(0); });
    return count;
  }

  template <typename Work>
  static void refused(Work work, ErrorKind kind, const std::string& words) {
    try {
      work();
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }

  std::filesystem::path folder_;
};

TEST_F(Sqlite, ValuesComeBackAsTheyWere) {
  const auto database = created();
  const std::string text = "O'Hara \xF0\x9F\xA6\x8A", bytes("\0\1\xff'", 4);
  database->run("INSERT INTO t (n, x, s, b) VALUES ($1, $2, $3, $4)",
                {int64_t{-5}, 0.1, std::string_view(text), Bytes{bytes}});
  database->run("INSERT INTO t (n, x, s, b) VALUES ($1, $2, $3, $4)",
                {nullptr, nullptr, nullptr, Bytes{{}}});
  int rows = 0;
  database->run("SELECT n, x, s, b FROM t ORDER BY id", {}, [&](const SqlRow& row) {
    if (rows++ == 0) {
      EXPECT_EQ(row.integer(0), -5);
      EXPECT_EQ(row.real(1), 0.1);
      EXPECT_EQ(row.text(2), text);
      EXPECT_EQ(row.bytes(3), bytes);
      refused([&] { row.text(0); }, ErrorKind::bad_data, "damaged: its column \"n\"");
    } else {
      for (int column = 0; column < 3; ++column) EXPECT_TRUE(row.null(column));
      EXPECT_FALSE(row.null(3));
      EXPECT_EQ(row.bytes(3), "");
    }
  });
  EXPECT_EQ(rows, 2);
}

TEST_F(Sqlite, WhatIsNotCommittedIsNotThere) {
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

TEST_F(Sqlite, ReadersSeeOneStateWhileOneWrites) {
  const auto writer = created();
  const auto reader = open_sqlite(folder_ / "g", Access::read);
  ReadTransaction reading(*reader);
  EXPECT_EQ(count(*reader), 0);
  writer->run("INSERT INTO t (n) VALUES (1)");
  EXPECT_EQ(count(*reader), 0);
  EXPECT_EQ(count(*open_sqlite(folder_ / "g", Access::read)), 1);
  EXPECT_FALSE(writer->purge()) << "a reader holds the old state";
}

TEST_F(Sqlite, ASecondWriterIsToldAfterAWhile) {
  const auto first = created(), second = open_sqlite(folder_ / "g", Access::read_write);
  WriteTransaction writing(*first);
  refused([&] { second->begin_write(); }, ErrorKind::io, "locked by another process");
}

TEST_F(Sqlite, ReadingChangesNothing) {
  created();
  const auto reader = open_sqlite(folder_ / "g", Access::read);
  refused([&] { reader->run("INSERT INTO t (n) VALUES (1)"); }, ErrorKind::io, "read-only");
}

TEST_F(Sqlite, LeavesNoFilesBesideTheOne) {
  created();
  { EXPECT_EQ(count(*open_sqlite(folder_ / "g", Access::read)), 0); }
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Sqlite, SomethingElseIsRefusedByName) {
  refused([&] { open_sqlite(folder_ / "none", Access::read); }, ErrorKind::io,
          "none: there is no such gallery");
  refused([&] { open_sqlite(folder_, Access::read); }, ErrorKind::io, "a gallery is a file");
  std::ofstream(folder_ / "text") << std::string(2000, 'x');
  refused([&] { open_sqlite(folder_ / "text", Access::read_write); }, ErrorKind::bad_data,
          "text: no gallery: it is no SQLite database");
}

TEST_F(Sqlite, DamageIsFound) {
  {
    const auto database = created();
    WriteTransaction transaction(*database);
    for (int i = 0; i < 500; ++i) {
      database->run("INSERT INTO t (s) VALUES ($1)", {std::string_view("a longer text, and more")});
    }
    transaction.commit();
  }
  EXPECT_TRUE(open_sqlite(folder_ / "g", Access::read)->check().empty());
  std::fstream file(folder_ / "g", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 3 + 100);  // a page of rows
  file << std::string(300, '\x7f');
  file.close();
  std::vector<std::string> problems;
  try {
    problems = open_sqlite(folder_ / "g", Access::read)->check();
  } catch (const Error& error) {
    problems = {error.what()};
  }
  EXPECT_FALSE(problems.empty());
}

}  // namespace
}  // namespace doppel
