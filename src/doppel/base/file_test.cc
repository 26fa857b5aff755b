#include "doppel/base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <filesystem>
#include <fstream>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("doppel_file_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  ErrorKind kind_of(auto action, const std::string& named) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::numeric;
  }
  fs::path folder_;
};

TEST_F(File, WhatIsWrittenIsRead) {
  const std::string bytes("a\0b\n", 4);
  write_file_atomically(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x", 4), bytes);
  write_file_atomically(folder_ / "x", "");
  EXPECT_EQ(read_file(folder_ / "x", 0), "");
}

TEST_F(File, ErrorsNameTheFile) {
  EXPECT_EQ(kind_of([&] { read_file(folder_ / "none", 10); }, "none"), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { read_file(folder_, 10); }, folder_.string()), ErrorKind::io);
  write_file_atomically(folder_ / "large", "12345");
  EXPECT_EQ(kind_of([&] { read_file(folder_ / "large", 4); }, "large"), ErrorKind::bad_data);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(kind_of([&] { read_file(folder_ / "pipe", 10); }, "pipe"), ErrorKind::io);
  EXPECT_EQ(kind_of([&] { write_file_atomically(folder_ / "no" / "x", "y"); }, "no/x"),
            ErrorKind::io);
}

TEST_F(File, AFailedWriteLeavesNothingBehind) {
  // The target is a folder that is not empty, so the rename must fail after a whole write.
  fs::create_directories(folder_ / "target" / "inside");
  EXPECT_EQ(kind_of([&] { write_file_atomically(folder_ / "target", "y"); }, "target"),
            ErrorKind::io);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_)) ++entries;
  EXPECT_EQ(entries, 1);
}

// As by Ctrl-C; here the kernel kills it in the middle of the file, which may not be so large.
TEST_F(File, AKilledWriteLeavesNothingBehind) {
  const int unnamed = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (unnamed < 0) GTEST_SKIP() << folder_ << ": a file system without unnamed files";
  ::close(unnamed);
  write_file_atomically(folder_ / "x", "before");
  const pid_t writer = ::fork();
  if (writer == 0) {
    std::signal(SIGXFSZ, SIG_DFL);
    const rlimit limit{1000, 1000}, no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_file_atomically(folder_ / "x", std::string(10000, 'x'));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  EXPECT_EQ(read_file(folder_ / "x", 100), "before");
}

TEST_F(File, NothingIsLeftOfManyWritesAtOnce) {
  ThreadPool pool(4);
  pool.parallel_for(200, [&](size_t i, size_t) {
    write_file_atomically(folder_ / "x", std::string(100, static_cast<char>('a' + i % 26)));
  });
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  const std::string last = read_file(folder_ / "x", 100);
  EXPECT_EQ(last, std::string(100, last[0]));
}

// The process's umask is asked of the kernel; to ask for it here would change it for a moment.
TEST_F(File, ANewFileHasTheRightsOfTheProcess) {
  const fs::path path = folder_ / "new";
  const mode_t before = ::umask(027);
  write_file_atomically(path, "bytes");
  ::umask(before);
  EXPECT_EQ(fs::status(path).permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
}

// As root, `--out /dev/null` would else put a file in its place, for every program of the machine.
TEST_F(File, WhatIsNoFileIsWrittenInto) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  write_file_atomically(pipe, "bytes");
  EXPECT_TRUE(fs::is_fifo(pipe));
  char read_back[8] = {};
  EXPECT_EQ(::read(reader, read_back, sizeof read_back), 5);
  EXPECT_STREQ(read_back, "bytes");
  ::close(reader);
}

}  // namespace
}  // namespace doppel::internal
