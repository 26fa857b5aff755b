#include "doppel/gallery/sqlite_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/disk_full.h"
#include "doppel/base/small_files.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/sqlite.h"

namespace doppel::internal {
namespace {

class SqliteErrors : public InFolder<testing::Test> {
 protected:
  std::unique_ptr<Database> created() const {
    auto database = open_sqlite(folder_ / "g", Access::create);
    const std::vector<std::string> tables = {"CREATE TABLE t (b @bytes)"};
    database->create(tables, [] {});
    return database;
  }
};

TEST_F(SqliteErrors, AFullDiskIsToldFromOtherFailures) {
  const auto database = created();
  const std::string much(200'000, 'x');
  const auto insert = [&] {
    WriteTransaction transaction(*database);
    database->run("INSERT INTO t (b) VALUES ($1)", {Bytes{much}});
    transaction.commit();
  };
  insert();
  database->check_room();
  {
    const SmallFiles limit(50'000);
    EXPECT_THROW(insert(), DiskFull);
    refused(insert, ErrorKind::io, "g: the disk is full (File too large); nothing was changed");
    EXPECT_THROW(database->check_room(), DiskFull);
  }
  database->check_room();
  database->run("PRAGMA max_page_count = 1");  // it stays as large as it is
  EXPECT_THROW(insert(), DiskFull);
  refused(insert, ErrorKind::io, "g: the disk is full; nothing was changed");
  int64_t rows = 0;
  database->run("SELECT COUNT(*) FROM t", {}, [&](const SqlRow& row) { rows = row.integer(0); });
  EXPECT_EQ(rows, 1);
  EXPECT_TRUE(database->check().empty());
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 3) << "the gallery and its log";
}

TEST_F(SqliteErrors, AFileThatIsCutOffIsSaidToBe) {
  { created()->run("INSERT INTO t VALUES ($1)", {Bytes{std::string(100'000, 'x')}}); }
  const auto size = std::filesystem::file_size(folder_ / "g");
  std::filesystem::resize_file(folder_ / "g", size / 2);
  const auto read = [&] { open_sqlite(folder_ / "g", Access::read)->run("SELECT b FROM t"); };
  EXPECT_THROW(read(), DamagedDatabase);
  refused(read, ErrorKind::io,
          "the file is cut off: it has " + std::to_string(size / 2) + " of " +
              std::to_string(size) + " bytes; doppel gallery restore");
}

}  // namespace
}  // namespace doppel::internal
