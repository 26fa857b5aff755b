#include "doppel/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/contrastive.h"
#include "doppel/model/safetensors.h"
#include "doppel/nn/simd.h"
#include "doppel/train/checkpoint.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

constexpr size_t kPeople = 6, kEach = 8, kImages = kPeople * kEach;

// Six identities with eight noisy images of 4 x 5 values each.
class TrainerTest : public testing::Test {
 protected:
  explicit TrainerTest(Network network) : network_(std::move(network)), inputs_(kImages, 20) {
    Random random(1, Purpose::sample);
    std::vector<double> centre(20);
    for (size_t i = 0; i < kImages; ++i) {
      if (i % kEach == 0) {
        for (double& c : centre) c = random.uniform(0, 1);
      }
      for (size_t k = 0; k < 20; ++k) {
        inputs_.row(i)[k] = static_cast<float>(centre[k] + random.uniform(-0.4, 0.4));
      }
      identity_of_.push_back(static_cast<uint32_t>(i / kEach));
    }
    recipe_.layers = network_.layers;
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("doppel_trainer_") +
             testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  virtual TrainingTask task() = 0;

  Trained train(int threads = 2, const TrainingHooks& hooks = {}, const CheckpointPlace& place = {},
                uint64_t seed = 7) {
    ThreadPool pool(threads);
    return doppel::internal::train(task(), seed, pool, hooks, place);
  }

  // Stops after so many steps, resumes, and expects the result of `whole`.
  void expect_resumable(size_t stop_after, const Trained& whole) {
    size_t done = 0;
    TrainingHooks hooks;
    hooks.batch = [&](const BatchReport&) { ++done; };
    hooks.stop = [&] { return done >= stop_after; };
    const Trained part = train(2, hooks, {path_, false, "d"});
    EXPECT_FALSE(part.finished);
    EXPECT_EQ(done, stop_after);
    ASSERT_TRUE(std::filesystem::exists(path_));
    const Trained rest = train(1, {}, {path_, true, "d"});
    EXPECT_TRUE(rest.finished);
    EXPECT_EQ(rest.members, whole.members) << stop_after;
    EXPECT_EQ(rest.loss_parameters, whole.loss_parameters) << stop_after;
    ASSERT_EQ(rest.history.size(), whole.history.size());
    for (size_t i = 0; i < whole.history.size(); ++i) {
      EXPECT_EQ(rest.history[i].loss, whole.history[i].loss);
      EXPECT_EQ(rest.history[i].validation_loss, whole.history[i].validation_loss);
    }
    EXPECT_THROW(train(1, {}, {path_, true, "other data"}), Error);
  }

  Network network_;
  Matrix inputs_;
  std::vector<uint32_t> identity_of_;
  Recipe recipe_;
  std::filesystem::path path_;
};

class OnPairs : public TrainerTest {
 protected:
  OnPairs() : TrainerTest({{20, 1, 1}, {Dense{30}, Relu{}, Dropout{0.1}, Dense{8}, Relu{}}}) {
    for (uint32_t a = 0; a < kImages; ++a) {
      for (uint32_t b = a + 1; b < kImages; ++b) {
        (a * b % 4 == 0 ? validation_ : train_)
            .push_back({a, b, identity_of_[a] == identity_of_[b]});
      }
    }
    recipe_.pairs = Recipe::Pairs{};
    recipe_.loss = {{"type", "contrastive_pairs"}, {"margin", 1.0}};
    recipe_.batch.size = 50;
    recipe_.epochs = 6;
  }

  TrainingTask task() override {
    return {recipe_, network_, kPeople,
            [this](uint64_t seed) {
              return std::make_unique<PairBatches>(inputs_, train_, recipe_.batch.size, seed);
            },
            [this](Engine& engine, std::span<const float> parameters) {
              return validate(engine, parameters);
            }};
  }

  Validation validate(Engine& engine, std::span<const float> parameters) const {
    std::vector<const float*> rows;
    std::vector<uint8_t> genuine;
    for (const Pair& pair : validation_) rows.push_back(inputs_.row(pair.a).data());
    for (const Pair& pair : validation_) rows.push_back(inputs_.row(pair.b).data());
    for (const Pair& pair : validation_) genuine.push_back(pair.genuine);
    const PairLoss loss = contrastive_loss(engine.embed(parameters, rows), genuine, 1);
    const auto [least, most] = std::ranges::minmax_element(loss.distance);
    return {loss.loss, *most - *least < 1e-3};
  }

  size_t batches() const { return (train_.size() + 49) / 50; }

  std::vector<Pair> train_, validation_;
};

TEST_F(OnPairs, TheLossFalls) {
  recipe_.epochs = 40;
  size_t epochs = 0, batches_seen = 0;
  TrainingHooks hooks;
  hooks.batch = [&](const BatchReport& report) {
    ++batches_seen;
    EXPECT_EQ(report.epochs, 40u);
    EXPECT_EQ(report.batches, batches());
    EXPECT_EQ(report.batch, (batches_seen - 1) % batches() + 1);
  };
  hooks.epoch = [&](const EpochReport& report) {
    EXPECT_EQ(report.epoch, epochs++);
    EXPECT_EQ(report.steps_done, epochs * batches());
    EXPECT_FALSE(report.collapsed);
  };
  const Trained trained = train(2, hooks);
  EXPECT_TRUE(trained.finished);
  EXPECT_FALSE(trained.collapsed);
  EXPECT_EQ(epochs, 40u);
  EXPECT_EQ(batches_seen, 40 * batches());
  ASSERT_EQ(trained.history.size(), 40u);
  EXPECT_LT(trained.history.back().loss, 0.5 * trained.history.front().loss);
  EXPECT_LT(*trained.history.back().validation_loss,
            0.5 * *trained.history.front().validation_loss);
}

TEST_F(OnPairs, ThreadsAndInstructionSetsDoNotChangeTheResult) {
  const Trained one = train(1);
  for (int threads : {2, 3}) EXPECT_EQ(one.members, train(threads).members);
  std::vector<std::string> names = simd_names();
  names.pop_back();  // "plain" does not fuse
  for (const std::string& name : names) {
    use_simd(name);
    EXPECT_EQ(one.members, train(2).members) << name;
  }
  use_simd(simd_names().front());
}

TEST_F(OnPairs, StoppedAnywhereAndResumedItEndsInTheSameResult) {
  const Trained whole = train();
  for (size_t stop_after :
       {size_t{1}, batches() - 1, batches(), 2 * batches() + 3, 6 * batches() - 1}) {
    expect_resumable(stop_after, whole);
  }
}

TEST_F(OnPairs, SeedAndRecipeChangeTheResult) {
  const Trained one = train();
  EXPECT_NE(one.members, train(2, {}, {}, 8).members);
  recipe_.loss["margin"] = 2.0;
  EXPECT_NE(one.members, train().members);
}

TEST_F(OnPairs, AnEnergyIsLearnedWithItsWeights) {
  recipe_.loss = {{"type", "logistic_pairs"}};
  recipe_.energy = "weighted_l1";
  const Trained trained = train();
  ASSERT_EQ(trained.loss_parameters.size(), 9u);
  EXPECT_LT(trained.history.back().loss, trained.history.front().loss);
  expect_resumable(batches() + 1, trained);
}

TEST_F(OnPairs, NumbersThatAreNotFiniteStopItAndNameTheStep) {
  recipe_.optimizer.rate = 1e29;
  try {
    train();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_THAT(error.what(), HasSubstr("epoch 1, batch "));
  }
}

TEST_F(OnPairs, ACollapsedEmbeddingIsReported) {
  recipe_.optimizer.rate = 10;  // kills the last ReLU, everybody becomes 0
  bool told = false;
  TrainingHooks hooks;
  hooks.epoch = [&](const EpochReport& report) { told = report.collapsed; };
  EXPECT_TRUE(train(1, hooks).collapsed);
  EXPECT_TRUE(told);
}

TEST_F(OnPairs, AnEarlierNetworksCollapseIsNotForgottenByAResume) {
  recipe_.optimizer.rate = 10;
  recipe_.members = 2;
  recipe_.epochs = 1;
  size_t done = 0;
  TrainingHooks hooks;
  hooks.batch = [&](const BatchReport&) { ++done; };
  hooks.stop = [&] { return done == batches() + 1; };  // in the second network
  ASSERT_FALSE(train(1, hooks, {path_, false, "d"}).finished);
  EXPECT_TRUE(
      load_checkpoint(path_, decode_safetensors(read_file(path_, 1 << 26), "c").metadata.at("run"))
          .collapsed);
  EXPECT_TRUE(train(1, {}, {path_, true, "d"}).collapsed);
}

TEST_F(OnPairs, NoPairsAreRefused) {
  train_.clear();
  EXPECT_THROW(train(), Error);
}

// Batches of images, a network with statistics, a loss that learns, everything else switched on.
class OnImages : public TrainerTest {
 protected:
  OnImages()
      : TrainerTest({{1, 4, 5},
                     {Conv{6, 3, 1, 1, false}, BatchNorm{}, Relu{}, Conv{6, 3, 1, 1, false},
                      BatchNorm{}, Add{3}, Relu{}, Flatten{}, Dropout{0.1}, Dense{8, false},
                      BatchNorm{}, L2Normalize{}}}) {
    recipe_.initialisation = Initialisation::he_normal;
    recipe_.loss = {{"type", "cosine_margin"}, {"scale", 8}};
    recipe_.batch.size = 10;
    recipe_.augment.shift = 0.1;
    recipe_.augment.noise = 0.1;
    recipe_.optimizer = OptimizerSettings::defaults(OptimizerKind::adamw);
    recipe_.optimizer.rate = 0.01;
    recipe_.schedule = Schedule::defaults(ScheduleKind::one_cycle);
    recipe_.steps = 30;
  }

  TrainingTask task() override {
    return {recipe_,
            network_,
            kPeople,
            [this](uint64_t seed) {
              return std::make_unique<ImageBatches>(inputs_, ImageShape{4, 5}, identity_of_,
                                                    recipe_.batch, recipe_.augment, kPart, seed);
            },
            {}};
  }

  static constexpr size_t kPart = 4;
};

TEST_F(OnImages, TheLossFallsAndPartsAreReported) {
  recipe_.steps = 150;
  size_t parts = 0;
  TrainingHooks hooks;
  hooks.epoch = [&](const EpochReport& report) {
    EXPECT_EQ(report.epoch, parts++);
    EXPECT_EQ(report.epochs, 38u);  // the last one of two steps
    EXPECT_EQ(report.steps, 150u);
    EXPECT_EQ(report.steps_done, std::min<size_t>(150, parts * kPart));
    EXPECT_FALSE(report.losses.validation_loss.has_value());
    EXPECT_FALSE(report.collapsed);
  };
  const Trained trained = train(2, hooks);
  EXPECT_EQ(parts, 38u);
  ASSERT_EQ(trained.history.size(), 38u);
  EXPECT_LT(trained.history.back().loss, 0.5 * trained.history.front().loss);
  EXPECT_EQ(trained.loss_parameters.size(), kPeople * 8);
  EXPECT_FALSE(trained.collapsed);
}

TEST_F(OnImages, ThreadsDoNotChangeTheResult) {
  recipe_.batch = {12, 3};
  recipe_.average = 0.9;
  recipe_.remeasure_statistics = true;
  recipe_.members = 2;
  recipe_.steps = 6;
  const Trained one = train(1);
  ASSERT_EQ(one.members.size(), 2u);
  EXPECT_NE(one.members[0], one.members[1]);
  for (int threads : {2, 3}) {
    const Trained other = train(threads);
    EXPECT_EQ(one.members, other.members) << threads;
    EXPECT_EQ(one.loss_parameters, other.loss_parameters) << threads;
  }
}

TEST_F(OnImages, TheFirstMemberIsWhatOneNetworkWouldBe) {
  recipe_.steps = 6;
  const Trained single = train();
  recipe_.members = 2;
  EXPECT_EQ(train().members[0], single.members[0]);
}

TEST_F(OnImages, StoppedAnywhereAndResumedItEndsInTheSameResult) {
  recipe_.average = 0.9;
  recipe_.remeasure_statistics = true;
  recipe_.members = 3;
  recipe_.steps = 6;
  const Trained whole = train();
  // 6 and 12: behind a member's last step nothing is asked, so that the next one's first is done.
  for (size_t stop_after : {1u, 3u, 4u, 5u, 7u, 11u, 13u, 17u}) expect_resumable(stop_after, whole);
}

TEST_F(OnImages, AveragingAndSettlingChangeWhatIsKept) {
  const Trained last = train();
  recipe_.average = 0.9;
  const Trained averaged = train();
  EXPECT_NE(last.members, averaged.members);
  EXPECT_EQ(last.history.back().loss, averaged.history.back().loss) << "the training is the same";
  recipe_.remeasure_statistics = true;
  const std::vector<float> settled = train().members[0];
  for (const Tensor& tensor : parameter_tensors(network_)) {
    const auto values = [&](const std::vector<float>& from) {
      return std::vector<float>(from.begin() + static_cast<ptrdiff_t>(tensor.offset),
                                from.begin() + static_cast<ptrdiff_t>(tensor.offset + tensor.size));
    };
    if (tensor.kind == TensorKind::statistic) {
      EXPECT_NE(values(settled), values(averaged.members[0])) << tensor.name;
    } else {
      EXPECT_EQ(values(settled), values(averaged.members[0])) << tensor.name;
    }
  }
}

// With the first normalisation's input a linear function of the images, settled statistics are
// those of the plain images under the final weights.
TEST_F(OnImages, SettledStatisticsAreThoseOfTheImages) {
  network_ = {{1, 4, 5}, {Conv{1, 1, 0, 1, false}, BatchNorm{}, Flatten{}, Dense{8}}};
  recipe_.layers = network_.layers;
  recipe_.remeasure_statistics = true;
  recipe_.loss = {{"type", "supervised_contrastive"}};
  recipe_.batch.size = kImages;  // each batch has all images
  const std::vector<float> kept = train().members[0];
  double sum = 0, squares = 0;
  for (float value : inputs_.values) {
    const double y = double{kept[0]} * double{value};
    sum += y;
    squares += y * y;
  }
  const auto n = static_cast<double>(inputs_.values.size());
  const std::vector<Tensor> tensors = parameter_tensors(network_);
  EXPECT_EQ(tensors[3].name, "1.running_mean");
  EXPECT_NEAR(kept[tensors[3].offset], sum / n, 1e-5);
  EXPECT_NEAR(kept[tensors[4].offset], (squares - sum * sum / n) / (n - 1), 1e-5);
}

TEST_F(OnImages, WeightsDecayAndNothingElse) {
  // Without a gradient (one identity in the loss of pairs of a kind that is not there) only decay
  // moves values.
  network_ = {{1, 4, 5}, {Conv{2, 3}, BatchNorm{}, Relu{}, Flatten{}, Dense{4}}};
  recipe_.layers = network_.layers;
  recipe_.loss = {{"type", "triplet_batch_hard"}};
  std::ranges::fill(identity_of_, 0u);
  recipe_.optimizer.weight_decay = 0.5;
  recipe_.schedule = {};
  recipe_.steps = 5;
  const std::vector<float> start = initial_parameters(network_, recipe_.initialisation, 7);
  const std::vector<float> end = train().members[0];
  for (const Tensor& tensor : parameter_tensors(network_)) {
    if (tensor.kind == TensorKind::statistic) continue;
    const double factor = tensor.kind == TensorKind::weight ? std::pow(1 - 0.01 * 0.5, 5) : 1;
    for (size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      EXPECT_NEAR(end[i], factor * double{start[i]}, 1e-6) << tensor.name;
    }
  }
}

TEST_F(OnImages, NumbersThatAreNotFiniteStopItAndNameTheStep) {
  recipe_.schedule = {};
  recipe_.optimizer.rate = 1e29;
  try {
    train();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_THAT(error.what(), HasSubstr("epoch 1, batch "));
    EXPECT_THAT(error.what(), HasSubstr("optimizer.rate"));
  }
}

// Weights that decay to nothing in the first step: everybody becomes the origin, and stays there.
TEST_F(OnImages, AConstructedCollapseIsReported) {
  network_ = {{1, 4, 5}, {Flatten{}, Dense{8}, Relu{}, Dense{4}}};
  recipe_.optimizer = OptimizerSettings::defaults(OptimizerKind::sgd);
  recipe_.optimizer.rate = 0.1;
  recipe_.optimizer.weight_decay = 10;
  recipe_.schedule = {};
  recipe_.layers = network_.layers;
  recipe_.loss = {{"type", "contrastive"}};
  bool told = false;
  TrainingHooks hooks;
  hooks.epoch = [&](const EpochReport& report) { told = told || report.collapsed; };
  EXPECT_TRUE(train(1, hooks).collapsed);
  EXPECT_TRUE(told);
}

TEST_F(OnImages, ADamagedOrForeignCheckpointIsRefused) {
  TrainingHooks hooks;
  hooks.stop = [] { return true; };
  train(1, hooks, {path_, false, "d"});
  const std::string good = read_file(path_, 1 << 20);
  for (size_t length : {size_t{0}, good.size() / 2, good.size() - 1}) {
    write_file_atomically(path_, good.substr(0, length));
    EXPECT_THROW(train(1, {}, {path_, true, "d"}), Error) << length;
  }
  write_file_atomically(path_, good);
  recipe_.optimizer.rate = 0.02;
  try {
    train(1, {}, {path_, true, "d"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    EXPECT_THAT(error.what(), HasSubstr("recipe.optimizer.rate (0.01, here 0.02)"));
  }
  recipe_.optimizer.rate = 0.01;
  EXPECT_TRUE(train(1, {}, {path_, true, "d"}).finished);
  // Whole files that do not fit the run: a step beyond the last, arrays of another size.
  const TensorFile whole = decode_safetensors(good, "c");
  const auto refused = [&](const TensorFile& file, const std::string& what) {
    write_file_atomically(path_, encode_safetensors(file));
    EXPECT_THROW(train(1, {}, {path_, true, "d"}), Error) << what;
  };
  TensorFile file = whole;
  nlohmann::json state = nlohmann::json::parse(file.metadata["state"]);
  state["step"] = 30;
  file.metadata["state"] = state.dump();
  refused(file, "step");
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    file = whole;
    file.tensors[i].values.push_back(1);
    file.tensors[i].shape = {file.tensors[i].values.size()};
    refused(file, file.tensors[i].name);
    file = whole;
    file.tensors.erase(file.tensors.begin() + static_cast<ptrdiff_t>(i));
    refused(file, file.tensors[i == 0 ? 0 : i - 1].name);
  }
}

}  // namespace
}  // namespace doppel::internal
