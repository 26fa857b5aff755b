#include "doppel/gallery/sqlite_guest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "doppel/gallery/another_user.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/sqlite.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

constexpr int kRows = 400;  // on several pages

// A file of root's that another user reads: every commit adds 1 to all its rows.
class SqliteGuestTest : public InFolder<testing::Test> {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    if (geteuid() != 0) GTEST_SKIP() << "another user cannot be tried here (not root)";
    fs::permissions(folder_, fs::perms(0755));
    const auto database = open_sqlite(path(), Access::create);
    const std::vector<std::string> tables = {"CREATE TABLE t (n BIGINT, s TEXT)"};
    database->create(tables, [&] {
      for (int i = 0; i < kRows; ++i) {
        database->run("INSERT INTO t VALUES (0, $1)", {std::string_view(filler_)});
      }
    });
    fs::permissions(path(), fs::perms(0644));
  }
  fs::path path() const { return folder_ / "g"; }

  static void add_one(Database& database) {
    WriteTransaction transaction(database);
    database.run("UPDATE t SET n = n + 1");
    transaction.commit();
  }
  // What all rows hold; -1 where they are of several states.
  static int64_t read(Database& database) {
    int64_t least = -1, most = -2;
    const ReadTransaction reading(database);
    database.run("SELECT MIN(n) FROM t WHERE s <> ''", {},
                 [&](const SqlRow& row) { least = row.integer(0); });
    database.run("SELECT MAX(n) FROM t WHERE s <> ''", {},
                 [&](const SqlRow& row) { most = row.integer(0); });
    return least == most ? least : -1;
  }
  const std::string filler_ = std::string(500, 'x');
};

TEST_F(SqliteGuestTest, ReadsAFileThatNobodyHasOpen) {
  EXPECT_EQ(as_nobody([&] { return static_cast<int>(read(*open_sqlite(path(), Access::read))); }),
            0);
  add_one(*open_sqlite(path(), Access::read_write));
  EXPECT_EQ(as_nobody([&] { return static_cast<int>(read(*open_sqlite(path(), Access::read))); }),
            1);
  const auto files = fs::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(SqliteGuestTest, ReadsALogThatAKillLeft) {
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = open_sqlite(path(), Access::read_write);
    const auto reader = open_sqlite(path(), Access::read);
    const ReadTransaction holds_the_log(*reader);
    add_one(*writer);
    add_one(*writer);
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_GT(fs::file_size(path().string() + "-wal"), 0u);
  EXPECT_EQ(as_nobody([&] { return static_cast<int>(read(*open_sqlite(path(), Access::read))); }),
            2);
  fs::permissions(path().string() + "-shm", fs::perms(0600));
  EXPECT_EQ(as_nobody([&] {
              try {
                open_sqlite(path(), Access::read);
              } catch (const Error& error) {
                const bool said = std::string(error.what()).find("cannot") != std::string::npos ||
                                  std::string(error.what()).find("neither") != std::string::npos;
                return said ? 7 : 8;
              }
              return 9;
            }),
            7);
}

// SQLite shares what it knows of a file within a process, and a fork would take it along: nothing
// is open before the guest's process asks for it.
TEST_F(SqliteGuestTest, FollowsALogThatIsTakenAwayAndMadeAnew) {
  int asks[2], tells[2];
  ASSERT_EQ(pipe(asks), 0);
  ASSERT_EQ(pipe(tells), 0);
  // A session that the guest meets, its end, which takes the log away, and another session.
  std::thread writing([&] {
    char word = 0;
    if (::read(asks[0], &word, 1) != 1) return;
    auto database = open_sqlite(path(), Access::read_write);
    add_one(*database);
    if (::write(tells[1], "1", 1) != 1 || ::read(asks[0], &word, 1) != 1) return;
    database.reset();
    database = open_sqlite(path(), Access::read_write);
    add_one(*database);
    if (::write(tells[1], "2", 1) != 1 || ::read(asks[0], &word, 1) != 1) return;
  });
  const int code = as_nobody([&] {
    char word = 0;
    if (::write(asks[1], "1", 1) != 1 || ::read(tells[0], &word, 1) != 1) return 1;
    const auto kept = open_sqlite(path(), Access::read);
    if (read(*kept) != 1) return 2;
    if (::write(asks[1], "2", 1) != 1 || ::read(tells[0], &word, 1) != 1) return 3;
    if (read(*kept) != 2) return 4;
    return ::write(asks[1], "e", 1) == 1 ? 0 : 5;
  });
  EXPECT_EQ(code, 0);
  if (code != 0 && ::write(asks[1], "eee", 3) != 3) ADD_FAILURE();
  writing.join();
  for (const int end : {asks[0], asks[1], tells[0], tells[1]}) close(end);
}

// A new log mostly gets the inode of the one that was taken away.
TEST_F(SqliteGuestTest, TellsALogFromTheOneBeforeIt) {
  SqliteGuest guest(path(), GuestReason::rights);
  auto writer = open_sqlite(path(), Access::read_write);
  add_one(*writer);
  EXPECT_THAT(guest.uri(), testing::HasSubstr("readonly_shm"));
  EXPECT_FALSE(guest.outdated());
  for (int i = 0; i < 20; ++i) {
    writer.reset();
    writer = open_sqlite(path(), Access::read_write);
    add_one(*writer);
    ASSERT_TRUE(guest.outdated()) << i;
    EXPECT_THAT(guest.uri(), testing::HasSubstr("readonly_shm"));
    ASSERT_FALSE(guest.outdated());
  }
}

TEST_F(SqliteGuestTest, FollowsWhatIsNeitherStaleNorMixed) {
  constexpr int kChanges = 200;
  int ends[2], asks[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(pipe(asks), 0);
  signal(SIGPIPE, SIG_IGN);
  // Changed in sessions of one commit to seven, so that the log comes and goes.
  std::thread writing([&] {
    int done = 0;
    if (char word = 0; ::read(asks[0], &word, 1) != 1) return;
    for (int session = 1; done < kChanges; ++session) {
      const auto database = open_sqlite(path(), Access::read_write);
      for (int i = 0; i < session % 7 + 1 && done < kChanges; ++i) {
        add_one(*database);
        ++done;
        if (::write(ends[1], &done, sizeof done) != sizeof done) return;
      }
    }
  });
  const int code = as_nobody([&] {
    if (::write(asks[1], "1", 1) != 1) return 5;
    const auto kept = open_sqlite(path(), Access::read);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int64_t before = 0;
    int committed = 0, reads = 0, refused = 0;
    while (before < kChanges && std::chrono::steady_clock::now() < until) {
      // What was committed by now is to be seen.
      if (::read(ends[0], &committed, sizeof committed) != sizeof committed) return 1;
      for (const bool anew : {false, true}) {
        for (int64_t seen = -2; seen == -2;) {
          try {
            seen = anew ? read(*open_sqlite(path(), Access::read)) : read(*kept);
          } catch (const Error& error) {
            if (error.kind() != ErrorKind::io || ++refused > kChanges) throw;
            continue;
          }
          if (seen == -1) return 2;
          if (seen < committed || seen < before) return 3;
          before = seen;
          ++reads;
        }
      }
    }
    return before == kChanges && reads > 2 * refused ? 0 : 4;
  });
  EXPECT_EQ(code, 0);
  if (code != 0 && ::write(asks[1], "1", 1) != 1) ADD_FAILURE();
  close(ends[0]);
  writing.join();
  EXPECT_EQ(read(*open_sqlite(path(), Access::read)), kChanges);
  for (const int end : {ends[1], asks[0], asks[1]}) close(end);
}

TEST_F(SqliteGuestTest, IsToldThatItMayNotWrite) {
  EXPECT_EQ(as_nobody([&] {
              try {
                open_sqlite(path(), Access::read_write);
              } catch (const Error& error) {
                return std::string(error.what()).find("may not write") != std::string::npos ? 7 : 8;
              }
              return 9;
            }),
            7);
}

}  // namespace
}  // namespace doppel::internal
