#include "doppel/train/checkpoint.h"

#include <gtest/gtest.h>

#include "doppel/base/error.h"
#include "doppel/base/file.h"

namespace doppel {
namespace {

class CheckpointFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("doppel_") +
             testing::UnitTest::GetInstance()->current_test_info()->name() + ".checkpoint");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static Checkpoint sample() {
    return {R"({"seed":1,"recipe":{"batch":128,"margin":1.0}})",
            2,
            17,
            1234.5678901234567,
            {{0.1, 0.2}, {0.3, 1e-300}},
            {1, 2, 3},
            {4, 5, 6}};
  }
  std::filesystem::path path_;
};

TEST_F(CheckpointFile, RoundTripIsExact) {
  save_checkpoint(sample(), path_);
  const Checkpoint read = load_checkpoint(path_, sample().run);
  EXPECT_EQ(read.epoch, 2u);
  EXPECT_EQ(read.batch, 17u);
  EXPECT_EQ(read.loss_sum, sample().loss_sum);
  ASSERT_EQ(read.history.size(), 2u);
  EXPECT_EQ(read.history[1].validation_loss, 1e-300);
  EXPECT_EQ(read.parameters, sample().parameters);
  EXPECT_EQ(read.mean_squares, sample().mean_squares);
}

TEST_F(CheckpointFile, AnotherRunIsRefusedWithWhatDiffers) {
  save_checkpoint(sample(), path_);
  try {
    load_checkpoint(path_, R"({"seed":2,"recipe":{"batch":64,"margin":1.0}})");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    const std::string what = error.what();
    EXPECT_NE(what.find("seed (1, here 2)"), std::string::npos) << what;
    EXPECT_NE(what.find("recipe.batch (128, here 64)"), std::string::npos) << what;
    EXPECT_EQ(what.find("margin"), std::string::npos) << what;
  }
}

TEST_F(CheckpointFile, ATruncatedFileIsRefused) {
  save_checkpoint(sample(), path_);
  const std::string bytes = read_file(path_, 1 << 20);
  for (size_t n = 0; n < bytes.size(); n += 7) {
    write_file_atomically(path_, bytes.substr(0, n));
    EXPECT_THROW(load_checkpoint(path_, sample().run), Error) << n;
  }
}

}  // namespace
}  // namespace doppel
