#include "doppel/train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/safetensors.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

class CheckpointFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("doppel_") +
             testing::UnitTest::GetInstance()->current_test_info()->name() + ".checkpoint");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static Checkpoint sample() {
    Checkpoint checkpoint;
    checkpoint.run = R"({"seed":1,"recipe":{"batch":128,"margin":1.0}})";
    checkpoint.step = 17;
    checkpoint.loss_sum = 1234.5678901234567;
    checkpoint.collapsed = true;
    checkpoint.examples = 96;
    checkpoint.history = {{0.1, std::nullopt}, {0.3, 1e-300}};
    checkpoint.parameters = {1, 2, 3};
    checkpoint.optimizer = {4, 5, 6};
    checkpoint.average = {7, 8};
    for (int m = 0; m < 12; ++m) checkpoint.done.push_back({static_cast<float>(m), 0.5f});
    return checkpoint;
  }
  std::filesystem::path path_;
};

TEST_F(CheckpointFile, RoundTripIsExact) {
  const Checkpoint saved = sample();
  save_checkpoint(saved, path_);
  const Checkpoint read = load_checkpoint(path_, saved.run);
  EXPECT_EQ(read.step, 17u);
  EXPECT_EQ(read.examples, 96u);
  EXPECT_EQ(read.loss_sum, saved.loss_sum);
  EXPECT_TRUE(read.collapsed);
  ASSERT_EQ(read.history.size(), 2u);
  EXPECT_EQ(read.history[0].validation_loss, std::nullopt);
  EXPECT_EQ(read.history[1].validation_loss, 1e-300);
  EXPECT_EQ(read.parameters, saved.parameters);
  EXPECT_EQ(read.optimizer, saved.optimizer);
  EXPECT_EQ(read.average, saved.average);
  EXPECT_EQ(read.done, saved.done);
}

TEST_F(CheckpointFile, AnotherRunIsRefusedWithWhatDiffers) {
  save_checkpoint(sample(), path_);
  try {
    load_checkpoint(path_, R"({"seed":2,"recipe":{"batch":64,"margin":1.0}})");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    EXPECT_THAT(error.what(), HasSubstr("seed (1, here 2)"));
    EXPECT_THAT(error.what(), HasSubstr("recipe.batch (128, here 64)"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("margin")));
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

TEST_F(CheckpointFile, ADamagedStateIsRefused) {
  save_checkpoint(sample(), path_);
  const TensorFile good = decode_safetensors(read_file(path_, 1 << 20), "c");
  const auto refused = [&](const char* key, const std::string& text) {
    TensorFile file = good;
    file.metadata[key] = text;
    write_file_atomically(path_, encode_safetensors(file));
    try {
      load_checkpoint(path_, sample().run);
      ADD_FAILURE() << key << " = " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_.string()));
    }
  };
  refused("format", "doppel checkpoint 1");
  refused("run", "no json");
  for (const char* text :
       {"", "no json", "[]", "7", "{}",
        R"({"step":-1,"examples":1,"loss_sum":0,"collapsed":false,"history":[]})",
        R"({"step":1,"examples":"x","loss_sum":0,"collapsed":false,"history":[]})",
        R"({"step":1,"examples":1,"loss_sum":"x","collapsed":false,"history":[]})",
        R"({"step":1,"examples":1,"loss_sum":0,"collapsed":false,"history":{}})",
        R"({"step":1,"examples":1,"loss_sum":0,"history":[]})",
        R"({"step":1,"examples":1,"loss_sum":0,"collapsed":1,"history":[]})",
        R"({"step":1,"examples":1,"loss_sum":0,"collapsed":false,"history":[{"val_loss":1}]})"}) {
    refused("state", text);
  }
}

}  // namespace
}  // namespace doppel::internal
