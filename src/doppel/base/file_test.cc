#include "doppel/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "doppel/base/error.h"

namespace doppel {
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

}  // namespace
}  // namespace doppel
