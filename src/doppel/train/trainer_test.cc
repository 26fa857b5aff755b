#include "doppel/train/trainer.h"

#include <gtest/gtest.h>

#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/nn/simd.h"

namespace doppel {
namespace {

// Six identities with eight noisy images of twenty values each, and all their pairs.
class Trainer : public testing::Test {
 protected:
  Trainer() : inputs_(48, 20) {
    Random random(1, Purpose::sample);
    std::vector<double> centre(20);
    for (size_t i = 0; i < 48; ++i) {
      if (i % 8 == 0) {
        for (double& c : centre) c = random.uniform(0, 1);
      }
      for (size_t k = 0; k < 20; ++k) {
        inputs_.row(i)[k] = static_cast<float>(centre[k] + random.uniform(-0.4, 0.4));
      }
    }
    for (uint32_t a = 0; a < 48; ++a) {
      for (uint32_t b = a + 1; b < 48; ++b) {
        (a * b % 4 == 0 ? validation_ : train_).push_back({a, b, a / 8 == b / 8});
      }
    }
    recipe_.batch = 50;
    recipe_.epochs = 6;
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("doppel_trainer_") +
             testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Trained train(int threads = 2, const TrainingHooks& hooks = {},
                const CheckpointPlace& place = {}) {
    ThreadPool pool(threads);
    return train_pairs(recipe_, network_, {inputs_, train_, validation_}, 7, pool, hooks, place);
  }

  Matrix inputs_;
  std::vector<Pair> train_, validation_;
  Recipe recipe_;
  Network network_{{20, 1, 1}, {Dense{30}, Relu{}, Dropout{0.1}, Dense{8}, Relu{}}};
  std::filesystem::path path_;
};

TEST_F(Trainer, TheLossFalls) {
  recipe_.epochs = 40;
  size_t epochs = 0, batches = 0;
  TrainingHooks hooks;
  hooks.batch = [&](const BatchReport& report) {
    ++batches;
    EXPECT_EQ(report.epochs, 40u);
    EXPECT_LE(report.batch, report.batches);
  };
  hooks.epoch = [&](const EpochReport& report) {
    EXPECT_EQ(report.epoch, epochs++);
    EXPECT_FALSE(report.collapsed);
  };
  const Trained trained = train(2, hooks);
  EXPECT_TRUE(trained.finished);
  EXPECT_EQ(epochs, 40u);
  EXPECT_EQ(batches, 40 * ((train_.size() + 49) / 50));
  ASSERT_EQ(trained.history.size(), 40u);
  EXPECT_LT(trained.history.back().loss, 0.5 * trained.history.front().loss);
  EXPECT_LT(trained.history.back().validation_loss, 0.5 * trained.history.front().validation_loss);
}

TEST_F(Trainer, ThreadsAndInstructionSetsDoNotChangeTheResult) {
  const Trained one = train(1);
  for (int threads : {2, 3}) EXPECT_EQ(one.parameters, train(threads).parameters);
  std::vector<std::string> names = simd_names();
  names.pop_back();  // "plain" does not fuse
  for (const std::string& name : names) {
    use_simd(name);
    EXPECT_EQ(one.parameters, train(2).parameters) << name;
  }
  use_simd(simd_names().front());
}

TEST_F(Trainer, StoppedAnywhereAndResumedItEndsInTheSameResult) {
  const Trained whole = train();
  const size_t batches = (train_.size() + 49) / 50;
  for (size_t stop_after : {size_t{1}, batches - 1, batches, 2 * batches + 3, 6 * batches - 1}) {
    size_t done = 0;
    TrainingHooks hooks;
    hooks.batch = [&](const BatchReport&) { ++done; };
    hooks.stop = [&] { return done >= stop_after; };
    const Trained part = train(2, hooks, {path_, false, "d"});
    EXPECT_FALSE(part.finished);
    ASSERT_TRUE(std::filesystem::exists(path_));
    const Trained rest = train(1, {}, {path_, true, "d"});
    EXPECT_TRUE(rest.finished);
    EXPECT_EQ(rest.parameters, whole.parameters) << stop_after;
    ASSERT_EQ(rest.history.size(), whole.history.size());
    for (size_t i = 0; i < whole.history.size(); ++i) {
      EXPECT_EQ(rest.history[i].loss, whole.history[i].loss);
      EXPECT_EQ(rest.history[i].validation_loss, whole.history[i].validation_loss);
    }
    EXPECT_THROW(train(1, {}, {path_, true, "other data"}), Error);
  }
}

TEST_F(Trainer, SeedAndRecipeChangeTheResult) {
  const Trained one = train();
  recipe_.margin = 2;
  EXPECT_NE(one.parameters, train().parameters);
  recipe_.margin = 1;
  ThreadPool pool(1);
  const Trained other = train_pairs(recipe_, network_, {inputs_, train_, validation_}, 8, pool);
  EXPECT_NE(one.parameters, other.parameters);
}

TEST_F(Trainer, NumbersThatAreNotFiniteStopItAndNameTheStep) {
  recipe_.optimizer.rate = 1e29;
  try {
    train();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("epoch 1, batch "), std::string::npos) << error.what();
  }
}

TEST_F(Trainer, ACollapsedEmbeddingIsReported) {
  recipe_.optimizer.rate = 10;  // kills the last ReLU, everybody becomes 0
  bool told = false;
  TrainingHooks hooks;
  hooks.epoch = [&](const EpochReport& report) { told = report.collapsed; };
  EXPECT_TRUE(train(1, hooks).collapsed);
  EXPECT_TRUE(told);
}

TEST_F(Trainer, NoPairsAreRefused) {
  train_.clear();
  EXPECT_THROW(train(), Error);
}

}  // namespace
}  // namespace doppel
