#include "doppel/training.h"

#include <gmock/gmock.h>

#include "doppel/api/public_access.h"
#include "doppel/api/test_support.h"
#include "doppel/evaluation.h"
#include "doppel/model/model.h"
#include "doppel/threads.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const Recipe& quick() {
  static const Recipe recipe =
      Recipe::named("faces", {"training.steps=20", "training.members=1", "batch.size=32"});
  return recipe;
}

std::string bytes_of(const Model& model) {
  return internal::encode_model(internal::PublicAccess::of(model).model);
}

using PublicTraining = InOwnFolder;

TEST_F(PublicTraining, IsCalibratedOnPeopleHeldBackAndKnowsEverybody) {
  const Dataset people = Dataset::synthetic(20, 3, 1);
  std::vector<std::string> notes;
  TrainOptions options;
  options.note = [&](const std::string& note) { notes.push_back(note); };
  const Model model = train(people, quick(), options);
  EXPECT_TRUE(model.synthetic());
  const Calibration calibration = model.calibration().value();
  EXPECT_EQ(calibration.people, 5u) << "at least 5 are kept from the training";
  EXPECT_DOUBLE_EQ(calibration.far, 1.0 / 90) << "the least that 90 impostor pairs can tell";
  EXPECT_THAT(notes, testing::Contains(HasSubstr("1.1 %")));
  EXPECT_EQ(error_of([&] { evaluate(model, people); }).kind(), ErrorKind::seen_people);
}

TEST_F(PublicTraining, EqualSeedsGiveEqualBytesOnAnyNumberOfThreads) {
  const Dataset people = Dataset::synthetic(16, 2, 1);
  set_threads(1);
  const std::string one = bytes_of(train(people, quick(), {.seed = 7}));
  set_threads(3);
  EXPECT_EQ(bytes_of(train(people, quick(), {.seed = 7})), one);
  EXPECT_NE(bytes_of(train(people, quick(), {.seed = 8})), one);
  set_threads(0);
}

TEST_F(PublicTraining, OfFewPeopleIsUncalibratedAndDecidesNothing) {
  std::vector<std::string> notes;
  TrainOptions options;
  options.note = [&](const std::string& note) { notes.push_back(note); };
  const Model model = train(Dataset::synthetic(8, 2, 1), quick(), options);
  EXPECT_FALSE(model.calibration());
  EXPECT_THAT(notes, testing::Contains(HasSubstr("fewer than 15 people")));
  const std::vector<float> embedding(model.embedding_size(), 0.1f);
  EXPECT_EQ(error_of([&] { model.same_person(embedding, embedding); }).kind(),
            ErrorKind::uncalibrated);

  const Model with = calibrated(model, Dataset::synthetic(20, 3, 2), {.allow_namesakes = true});
  EXPECT_EQ(with.calibration().value().people, 20u);
  EXPECT_EQ(with.digest(), model.digest()) << "it embeds as before";
  EXPECT_FALSE(model.calibration()) << "the one it was made of is as it was";
  const Error seen = error_of([&] { calibrated(model, Dataset::synthetic(8, 2, 1)); });
  EXPECT_EQ(seen.kind(), ErrorKind::seen_people);
}

TEST_F(PublicTraining, IsStoppedAndGoesOnToTheSameModel) {
  const Dataset people = Dataset::synthetic(16, 2, 1);
  const std::string whole = bytes_of(train(people, quick(), {.seed = 7}));
  std::stop_source source;
  TrainOptions options;
  options.seed = 7;
  options.checkpoint = folder_ / "checkpoint";
  options.stop = source.get_token();
  size_t steps = 0;
  double done = 0;
  options.progress = [&](const TrainingProgress& progress) {
    EXPECT_GT(progress.done, done);
    done = progress.done;
    if (++steps == 7) source.request_stop();
  };
  const Error stopped = error_of([&] { train(people, quick(), options); });
  EXPECT_EQ(stopped.kind(), ErrorKind::cancelled);
  EXPECT_THAT(stopped.what(), HasSubstr(options.checkpoint.string()));
  EXPECT_EQ(steps, 7u);
  EXPECT_TRUE(fs::exists(options.checkpoint));

  options.stop = {};
  options.resume = true;
  EXPECT_EQ(bytes_of(train(people, quick(), options)), whole);
  EXPECT_EQ(steps, 20u);
  EXPECT_DOUBLE_EQ(done, 1);

  options.seed = 8;
  EXPECT_EQ(error_of([&] { train(people, quick(), options); }).kind(), ErrorKind::mismatch);
}

TEST_F(PublicTraining, ACheckpointHasToHaveAPlaceAndToBeThere) {
  const Dataset people = Dataset::synthetic(16, 2, 1);
  size_t steps = 0;
  TrainOptions options;
  options.progress = [&](const TrainingProgress&) { ++steps; };
  options.resume = true;
  EXPECT_EQ(error_of([&] { train(people, quick(), options); }).kind(), ErrorKind::bad_argument);
  options.checkpoint = folder_ / "none";
  EXPECT_EQ(error_of([&] { train(people, quick(), options); }).kind(), ErrorKind::io);
  options.resume = false;
  options.checkpoint = folder_ / "no" / "checkpoint";
  const Error nowhere = error_of([&] { train(people, quick(), options); });
  EXPECT_EQ(nowhere.kind(), ErrorKind::io);
  EXPECT_THAT(nowhere.what(), HasSubstr((folder_ / "no").string()));
  EXPECT_EQ(steps, 0u) << "before any work is done";
}

TEST_F(PublicTraining, WhatACallbackThrowsComesOutUnchanged) {
  struct Mine {};
  TrainOptions options;
  options.progress = [](const TrainingProgress&) { throw Mine(); };
  EXPECT_THROW(train(Dataset::synthetic(16, 2, 1), quick(), options), Mine);
  EXPECT_NO_THROW(train(Dataset::synthetic(16, 2, 1), quick())) << "the threads work on";
}

TEST_F(PublicTraining, RefusesWhatMakesNoSense) {
  const Dataset people = Dataset::synthetic(16, 2, 1);
  EXPECT_EQ(error_of([&] { train(people, quick(), {.holdout = 0.9}); }).kind(),
            ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { train(people, quick(), {.far = 2}); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(error_of([] { Recipe::named("no such"); }).kind(), ErrorKind::bad_argument);
  const Error setting = error_of([] { Recipe::named("faces", {"training.stps=3"}); });
  EXPECT_EQ(setting.kind(), ErrorKind::bad_argument);
  EXPECT_THAT(setting.what(), HasSubstr("stps"));
  EXPECT_THAT(Recipe::names(), testing::Contains("faces"));
}

TEST_F(PublicTraining, ASavedModelIsTheSame) {
  const Model model = train(Dataset::synthetic(16, 2, 1), quick());
  const fs::path file = folder_ / "faces.safetensors";
  model.save(file);
  EXPECT_EQ(bytes_of(Model::load(file)), bytes_of(model));
  EXPECT_EQ(error_of([&] { model.save(folder_ / "no" / "such" / "place"); }).kind(), ErrorKind::io);
}

}  // namespace
}  // namespace doppel
