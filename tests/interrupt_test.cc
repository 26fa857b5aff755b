// A training that is interrupted or killed goes on to exactly the result of one that was not.
#include <gmock/gmock.h>
#include <signal.h>

#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "program.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Interrupt : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 5, 4, 1);
  }
  static std::vector<std::string> train(const std::string& out, bool resume = false) {
    std::vector<std::string> words = {
        "train",    "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=3000",
        "--epochs", "25",    "--out",    out};
    if (resume) words.emplace_back("--resume");
    return words;
  }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }
};

TEST_F(Interrupt, CtrlCSavesACheckpointAndResumeEndsInTheSameModel) {
  ASSERT_EQ(run(train("whole.safetensors")).code, 0);
  for (int number : {SIGINT, SIGTERM}) {
    Running training(folder_, train("part.safetensors"), "");
    ASSERT_TRUE(training.printed("Epoch 2/25", std::chrono::seconds(60)));
    training.signal(number);
    const Finished stopped = training.wait();
    ASSERT_EQ(stopped.code, 130);
    EXPECT_THAT(stopped.err, HasSubstr("--resume"));
    EXPECT_FALSE(fs::exists(folder_ / "part.safetensors"));
    ASSERT_TRUE(fs::exists(folder_ / "part.safetensors.checkpoint"));
    const Finished resumed = run(train("part.safetensors", true));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_THAT(resumed.out, testing::Not(HasSubstr("Epoch 1/25")));
    EXPECT_TRUE(bytes("part.safetensors") == bytes("whole.safetensors"));
    EXPECT_FALSE(fs::exists(folder_ / "part.safetensors.checkpoint"));
    fs::remove(folder_ / "part.safetensors");
  }
}

TEST_F(Interrupt, AKilledTrainingResumesFromItsLastCheckpoint) {
  ASSERT_EQ(run(train("whole.safetensors")).code, 0);
  Running training(folder_, train("part.safetensors"), "");
  // A checkpoint is due when an epoch ends a second after the last one.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fs::exists(folder_ / "part.safetensors.checkpoint") &&
         std::chrono::steady_clock::now() < end) {
    usleep(1000);
  }
  training.signal(SIGKILL);
  ASSERT_EQ(training.wait().code, 128 + SIGKILL);
  ASSERT_TRUE(fs::exists(folder_ / "part.safetensors.checkpoint"));
  const Finished resumed = run(train("part.safetensors", true));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(bytes("part.safetensors") == bytes("whole.safetensors"));
}

TEST_F(Interrupt, ResumeRefusesWhatIsNotItsOwn) {
  const Finished nothing = run(train("none.safetensors", true));
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("no checkpoint"));

  Running training(folder_, train("part.safetensors"), "");
  ASSERT_TRUE(training.printed("Epoch 1/25", std::chrono::seconds(60)));
  training.signal(SIGINT);
  ASSERT_EQ(training.wait().code, 130);
  auto words = train("part.safetensors", true);
  words.insert(words.end(), {"--seed", "9"});
  const Finished other = run(words);
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("seed (0, here 9)"));
  EXPECT_TRUE(fs::exists(folder_ / "part.safetensors.checkpoint"));
  const std::string checkpoint = bytes("part.safetensors.checkpoint");
  write_file_atomically(folder_ / "part.safetensors.checkpoint",
                        checkpoint.substr(0, checkpoint.size() / 2));
  const Finished damaged = run(train("part.safetensors", true));
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.err, HasSubstr("part.safetensors.checkpoint"));
}

// The default recipe, with several networks one after the other.
TEST_F(Interrupt, ATrainingOnImagesGoesOnAsWell) {
  const auto words = [](const char* out, bool resume) {
    std::vector<std::string> all = {"train", "faces",
                                    "--set", "training.steps=40",
                                    "--set", "training.members=2",
                                    "--set", "batch.size=24",
                                    "--out", out};
    if (resume) all.emplace_back("--resume");
    return all;
  };
  ASSERT_EQ(run(words("whole.safetensors", false)).code, 0);
  Running training(folder_, words("part.safetensors", false), "");
  ASSERT_TRUE(training.printed("Network 2/2 - Step 2/40", std::chrono::seconds(120)));
  training.signal(SIGINT);
  ASSERT_EQ(training.wait().code, 130);
  const Finished resumed = run(words("part.safetensors", true));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, testing::Not(HasSubstr("Network 1/2")));
  EXPECT_TRUE(bytes("part.safetensors") == bytes("whole.safetensors"));
}

TEST_F(Interrupt, CrossvalStops) {
  Running running(folder_,
                  {"crossval", "faces", "--folds", "2", "--recipe", "tutorial", "--epochs", "500"},
                  "");
  usleep(700000);
  running.signal(SIGINT);
  const Finished stopped = running.wait();
  EXPECT_EQ(stopped.code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("interrupted"));
}

TEST_F(Interrupt, SynthLeavesNoPartOfItsPeople) {
  for (int number : {SIGINT, SIGTERM}) {
    Running running(folder_, {"synth", "many", "--identities", "10000"}, "");
    for (int i = 0; i < 10000 && !fs::exists(folder_ / "many/s3"); ++i) usleep(1000);
    ASSERT_TRUE(fs::exists(folder_ / "many/s3"));
    running.signal(number);
    EXPECT_EQ(running.wait().code, 130);
    EXPECT_FALSE(fs::exists(folder_ / "many"));
  }
}

}  // namespace
}  // namespace doppel::internal
