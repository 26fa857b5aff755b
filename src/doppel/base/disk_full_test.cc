#include "doppel/base/disk_full.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <iterator>

#include "doppel/base/file.h"
#include "doppel/base/small_files.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

class DiskFullTest : public testing::Test {
 protected:
  // Of each test its own: several may run at a time.
  void SetUp() override {
    std::string pattern = testing::TempDir() + "disk_fullXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(DiskFullTest, IsToldFromOtherFailures) {
  write_file_atomically(folder_ / "x", "before");
  {
    const SmallFiles limit(50'000);
    const std::string much(100'000, 'x');
    EXPECT_THROW(write_file_atomically(folder_ / "x", much), DiskFull);
    write_file_atomically(folder_ / "y", "little");
  }
  EXPECT_EQ(read_file(folder_ / "x", 10), "before");
  try {
    write_file_atomically(folder_ / "none" / "x", "y");
    ADD_FAILURE();
  } catch (const DiskFull&) {
    ADD_FAILURE();
  } catch (const Error&) {
  }
}

TEST_F(DiskFullTest, RoomIsLookedForWithoutATrace) {
  check_room(folder_, 100'000);
  {
    const SmallFiles limit(50'000);
    check_room(folder_, 50'000);
    EXPECT_THROW(check_room(folder_, 100'000), DiskFull);
  }
  check_room(folder_, 100'000);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 0);
  try {
    check_room(folder_ / "none", 1);
    ADD_FAILURE();
  } catch (const DiskFull&) {
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
}

}  // namespace
}  // namespace doppel::internal
