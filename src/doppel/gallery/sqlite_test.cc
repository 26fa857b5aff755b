#include "doppel/gallery/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "doppel/gallery/database_fixture.h"

namespace doppel {
namespace {

class Sqlite : public InFolder<testing::Test> {
 protected:
  std::unique_ptr<Database> created() const {
    auto database = open_sqlite(folder_ / "g", Access::create);
    const std::vector<std::string> tables = {
        "CREATE TABLE t (id @id, n BIGINT, x DOUBLE PRECISION,"
        " s TEXT, b @bytes)"};
    database->create(tables, [] {});
    return database;
  }
};

TEST_F(Sqlite, LeavesNoFilesBesideTheOne) {
  created();
  { EXPECT_TRUE(open_sqlite(folder_ / "g", Access::read)->has_table("t")); }
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Sqlite, IsItsOwnersAlone) {
  const auto database = created();
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    using std::filesystem::perms;
    EXPECT_EQ(file.status().permissions(), perms::owner_read | perms::owner_write) << file.path();
  }
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
    for (int i = 0; i < 2000; ++i) {
      database->run("INSERT INTO t (s) VALUES ($1)", {std::string_view("a longer text, and more")});
    }
    transaction.commit();
  }
  EXPECT_TRUE(open_sqlite(folder_ / "g", Access::read)->check().empty());
  constexpr std::streamoff kPage = 16384;
  std::fstream file(folder_ / "g", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-kPage + 100, std::ios::end);  // a page of rows
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
