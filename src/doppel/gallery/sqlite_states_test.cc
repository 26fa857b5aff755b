#include "doppel/gallery/sqlite_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/sqlite.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopied = "a copy was put over the gallery";
constexpr const char* kReplaced = "moved, removed or replaced while it was open";

class FileStatesTest : public InFolder<testing::Test> {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    const auto database = open_sqlite(gallery(), Access::create);
    const std::vector<std::string> tables = {"CREATE TABLE t (n BIGINT)"};
    database->create(tables, [] {});
    add(*database, 1);
  }
  fs::path gallery() const { return folder_ / "g"; }
  fs::path log() const { return folder_ / "g-wal"; }
  fs::path copy() const { return folder_ / "copy"; }

  static void add(Database& database, int64_t number) {
    WriteTransaction transaction(database);
    database.run("INSERT INTO t VALUES ($1)", {number});
    transaction.commit();
  }
  static int64_t sum(Database& database) {
    int64_t sum = 0;
    database.run("SELECT SUM(n) FROM t", {}, [&](const SqlRow& row) { sum = row.integer(0); });
    return sum;
  }
  // Adds these numbers, one commit after the other, and is killed; what it has read before its last
  // `in_log` commits keeps those in the log.
  void add_and_be_killed(const std::vector<int64_t>& numbers, size_t in_log) const {
    const pid_t child = fork();
    if (child == 0) {
      const auto writer = open_sqlite(gallery(), Access::read_write);
      const auto reader = open_sqlite(gallery(), Access::read);
      for (size_t i = 0; i < numbers.size(); ++i) {
        if (i + in_log == numbers.size()) {
          reader->begin_read();
          sum(*reader);
        }
        add(*writer, numbers[i]);
      }
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  void copy_over() const { fs::copy_file(copy(), gallery(), fs::copy_options::overwrite_existing); }
};

TEST_F(FileStatesTest, AfterEachCommitTheFileAloneIsTheGallery) {
  const auto writer = open_sqlite(gallery(), Access::read_write);
  const auto reader = open_sqlite(gallery(), Access::read);
  EXPECT_EQ(sum(*reader), 1);
  add(*writer, 10);
  EXPECT_EQ(fs::file_size(log()), 0u);
  fs::copy_file(gallery(), copy());
  EXPECT_EQ(sum(*open_sqlite(copy(), Access::read)), 11);
}

TEST_F(FileStatesTest, ACopyPutOverAGalleryThatWasKilledIsWhatItWas) {
  fs::copy_file(gallery(), copy());
  add_and_be_killed({10, 100}, 0);
  ASSERT_TRUE(fs::exists(log()));
  copy_over();
  const auto database = open_sqlite(gallery(), Access::read_write);
  EXPECT_EQ(sum(*database), 1);
  EXPECT_TRUE(database->check().empty());
}

TEST_F(FileStatesTest, ACopyIsNotMixedWithALogOfLater) {
  fs::copy_file(gallery(), copy());
  add_and_be_killed({10, 100, 1000}, 2);
  ASSERT_GT(fs::file_size(log()), 0u);
  const auto bytes_of = [](const fs::path& path) {
    std::stringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  };
  copy_over();
  const std::string log_before = bytes_of(log());
  for (const Access access : {Access::read, Access::read_write}) {
    refused([&] { open_sqlite(gallery(), access); }, ErrorKind::io, kCopied);
  }
  EXPECT_EQ(bytes_of(gallery()), bytes_of(copy())) << "nothing was written into it";
  EXPECT_EQ(bytes_of(log()), log_before);
}

TEST_F(FileStatesTest, ALogGoesOnFromItsOwnFile) {
  add_and_be_killed({10, 100, 1000}, 2);
  ASSERT_GT(fs::file_size(log()), 0u);
  {
    const auto database = open_sqlite(gallery(), Access::read_write);
    EXPECT_EQ(sum(*database), 1111);
    add(*database, 10000);
  }
  EXPECT_EQ(sum(*open_sqlite(gallery(), Access::read)), 11111);
}

TEST_F(FileStatesTest, ACopyPutOverAnOpenGalleryIsNoticed) {
  fs::copy_file(gallery(), copy());
  const auto writer = open_sqlite(gallery(), Access::read_write);
  const auto reader = open_sqlite(gallery(), Access::read);
  add(*writer, 10);
  EXPECT_EQ(sum(*reader), 11);
  copy_over();
  refused([&] { add(*writer, 100); }, ErrorKind::io, kCopied);
  refused([&] { sum(*reader); }, ErrorKind::io, kCopied);
  refused([&] { ReadTransaction reading(*reader); }, ErrorKind::io, kCopied);
}

TEST_F(FileStatesTest, AnotherFileInItsPlaceIsNoticed) {
  fs::copy_file(gallery(), copy());
  const auto writer = open_sqlite(gallery(), Access::read_write);
  const auto reader = open_sqlite(gallery(), Access::read);
  EXPECT_EQ(sum(*reader), 1);
  fs::rename(gallery(), folder_ / "away");
  const std::string replaced = kReplaced, again = "; start this program again";
  refused([&] { add(*writer, 100); }, ErrorKind::io, replaced + "; nothing was changed" + again);
  refused([&] { sum(*reader); }, ErrorKind::io, replaced + again);  // it never changes anything
  fs::rename(copy(), gallery());
  refused([&] { add(*writer, 100); }, ErrorKind::io, kReplaced);
  refused([&] { ReadTransaction reading(*reader); }, ErrorKind::io, kReplaced);
}

// Whoever opens it next makes another log, and two would write that know nothing of each other.
TEST_F(FileStatesTest, ALogThatIsRemovedUnderAnOpenGalleryIsNoticed) {
  const char* const removed = "was removed while it was open";
  int64_t sum_before = 1;
  for (const std::vector<const char*>& gone :
       std::vector<std::vector<const char*>>{{"-wal", "-shm"}, {"-wal"}, {"-shm"}}) {
    const auto writer = open_sqlite(gallery(), Access::read_write);
    const auto reader = open_sqlite(gallery(), Access::read);
    add(*writer, 10);
    EXPECT_EQ(sum(*reader), sum_before += 10);
    for (const char* beside : gone) fs::remove(gallery().string() + beside);
    refused([&] { add(*writer, 100); }, ErrorKind::io, removed);
    refused([&] { ReadTransaction reading(*reader); }, ErrorKind::io, removed);
  }
  const auto next = open_sqlite(gallery(), Access::read_write);
  EXPECT_EQ(sum(*next), sum_before) << "nothing was lost";
  EXPECT_TRUE(next->check().empty());
}

// One that an older program has written holds no states.
TEST_F(FileStatesTest, AGalleryWithoutStatesGetsThem) {
  {
    const auto database = open_sqlite(gallery(), Access::read_write);
    database->run("DROP TABLE log_states");
    database->run("PRAGMA user_version = 0");
  }
  const auto database = open_sqlite(gallery(), Access::read_write);
  fs::copy_file(gallery(), copy());
  add(*database, 10);
  EXPECT_EQ(sum(*database), 11);
  copy_over();
  refused([&] { add(*database, 100); }, ErrorKind::io, kCopied);
}

}  // namespace
}  // namespace doppel::internal
