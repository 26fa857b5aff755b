#include "doppel/train/train_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/resize.h"
#include "doppel/model/embedding.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

Recipe pairs_recipe() {
  return find_recipe("tutorial",
                     std::vector<std::string>{"pairs.per_kind=100", "training.epochs=2"});
}

// A small network on batches of images, of which a step takes a millisecond.
nlohmann::json images_json() {
  return nlohmann::json::parse(R"({
    "name": "small",
    "input": {"width": 20, "height": 24, "standardize": true},
    "network": {"initialisation": "he_normal", "layers": [
      {"type": "conv", "filters": 4, "kernel": 3, "bias": false}, {"type": "batch_norm"},
      {"type": "relu"}, {"type": "max_pool", "size": 2}, {"type": "flatten"},
      {"type": "dropout", "rate": 0.1}, {"type": "dense", "units": 8}, {"type": "l2_normalize"}]},
    "batch": {"size": 12},
    "loss": {"type": "cosine_margin"},
    "augment": {"shift": 0.1, "flip": 0.5},
    "optimizer": {"type": "adamw", "rate": 0.003},
    "training": {"steps": 12},
    "embedding": {"mirror": true}})");
}

Recipe images_recipe() { return recipe_from_json(images_json()); }

TEST(TrainModel, PreprocessingKeepsSmallPicturesAndShrinksLargeOnes) {
  const Recipe recipe = find_recipe("tutorial");
  const auto chosen = [](const Recipe& by, int width, int height) {
    const Preprocessing p = choose_preprocessing(Image{width, height, {}}, by);
    return std::tuple(p.width, p.height, p.subsampling, p.standardize);
  };
  EXPECT_EQ(chosen(recipe, 92, 112), std::tuple(92, 112, 2, false));
  EXPECT_EQ(chosen(recipe, 160, 100), std::tuple(160, 100, 2, false));
  EXPECT_EQ(chosen(recipe, 3000, 4000), std::tuple(84, 112, 2, false));
  EXPECT_EQ(chosen(recipe, 4000, 1), std::tuple(112, 1, 2, false));
  for (int side : {10, 92, 4000}) {
    EXPECT_EQ(chosen(images_recipe(), side, side), std::tuple(20, 24, 1, true));
  }
}

TEST(TrainModel, OnPairsItMakesAModelThatRemembersItsTraining) {
  ThreadPool pool(2);
  const Dataset dataset = synthetic_dataset(5, 4, 1);
  const Recipe recipe = pairs_recipe();
  const TrainedModel trained = train_model(dataset, recipe, 3, pool);
  EXPECT_TRUE(trained.finished);
  EXPECT_EQ(trained.split.train.size(), 113u);  // 200 pairs: 75 % of 75 %
  EXPECT_EQ(trained.split.test.size(), 50u);
  EXPECT_FALSE(trained.pair_method.empty());
  const Model& model = trained.model;
  EXPECT_EQ(model.training.identities, 5u);
  EXPECT_EQ(model.training.images, 20u);
  EXPECT_EQ(model.training.data_digest, dataset.digest);
  EXPECT_EQ(model.training.seen, remember(dataset));
  EXPECT_EQ(model.training.history.size(), 2u);
  EXPECT_TRUE(model.training.history[1].validation_loss.has_value());
  EXPECT_EQ(recipe_to_json(recipe_from_json(model.training.recipe)), recipe_to_json(recipe));
  EXPECT_EQ(twins(model).network.input, (Shape{1, 56, 46}));
  EXPECT_EQ(twins(model).members.size(), 1u);
  EXPECT_FALSE(model.threshold.has_value());
  // Equal runs give equal files, on any number of threads.
  ThreadPool one(1);
  EXPECT_EQ(encode_model(train_model(dataset, recipe, 3, one).model), encode_model(model));
  EXPECT_NE(encode_model(train_model(dataset, recipe, 4, one).model), encode_model(model));
}

TEST(TrainModel, OnImagesItMakesTheSameModelOnAnyThreads) {
  const Dataset dataset = synthetic_dataset(5, 4, 1);
  Recipe recipe = images_recipe();
  recipe.members = 2;
  ThreadPool pool(2);
  const TrainedModel trained = train_model(dataset, recipe, 3, pool);
  EXPECT_TRUE(trained.finished);
  EXPECT_TRUE(trained.split.test.empty());
  EXPECT_EQ(twins(trained.model).members.size(), 2u);
  EXPECT_NE(twins(trained.model).members[0], twins(trained.model).members[1]);
  EXPECT_TRUE(trained.model.preprocessing.standardize);
  EXPECT_TRUE(twins(trained.model).views.mirror);
  const Matrix embeddings = embed_images(trained.model, dataset.images, pool);
  EXPECT_EQ(embeddings.columns, 16u);
  double length = 0;
  for (float value : embeddings.row(7)) length += double{value} * value;
  EXPECT_NEAR(length, 1, 1e-5);
  for (int threads : {1, 3}) {
    ThreadPool others(threads);
    const Model model = train_model(dataset, recipe, 3, others).model;
    EXPECT_EQ(encode_model(model), encode_model(trained.model)) << threads;
    EXPECT_EQ(embed_images(model, dataset.images, others).values, embeddings.values);
  }
  // The first member is what a single network would be.
  const Model single = train_model(dataset, images_recipe(), 3, pool).model;
  EXPECT_EQ(twins(single).members[0], twins(trained.model).members[0]);
}

TEST(TrainModel, ALearnedEnergyEndsInTheModel) {
  ThreadPool pool(2);
  nlohmann::json json = recipe_to_json(pairs_recipe());
  json["loss"] = {{"type", "logistic_pairs"}};
  json["embedding"]["energy"] = "weighted_l1";
  const Model model =
      train_model(synthetic_dataset(5, 4, 1), recipe_from_json(json), 3, pool).model;
  EXPECT_EQ(model.energy.kind, EnergyKind::weighted_l1);
  EXPECT_EQ(model.energy.weights.size(), 50u);
  const Model read = decode_model(encode_model(model), "m");
  EXPECT_EQ(read.energy.weights, model.energy.weights);
  EXPECT_EQ(read.energy.bias, model.energy.bias);
}

TEST(TrainModel, GradientsAreWhitenedByTheTrainingPeople) {
  const Dataset dataset = synthetic_dataset(5, 4, 1);
  Recipe recipe = images_recipe();
  recipe.hog = {8, 4};
  recipe.hog_weight = 0.5;
  ThreadPool pool(2), one(1);
  const Model model = train_model(dataset, recipe, 3, pool).model;
  EXPECT_EQ(twins(model).hog.histograms, recipe.hog);
  EXPECT_EQ(twins(model).hog.weight, 0.5);
  const Matrix inputs = preprocess(dataset.images, model.preprocessing);
  const Whitening expected =
      fit_whitening(hog_rows(twins(model), inputs, pool), dataset.identity_of);
  EXPECT_EQ(twins(model).hog.whitening.mean, expected.mean);
  EXPECT_EQ(twins(model).hog.whitening.transform.values, expected.transform.values);
  EXPECT_EQ(encode_model(train_model(dataset, recipe, 3, one).model), encode_model(model));
  EXPECT_EQ(recipe_to_json(recipe_from_json(model.training.recipe)), recipe_to_json(recipe));

  recipe.hog.cell = 64;  // refused before the training, not behind it
  TrainingHooks hooks;
  hooks.batch = [](const BatchReport&) { ADD_FAILURE() << "it trained"; };
  try {
    train_model(dataset, recipe, 3, pool, hooks);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("cells of 64"));
  }
}

TEST(TrainModel, TurnedPicturesAreIdentitiesOfTheTrainingAlone) {
  ThreadPool pool(1);
  Dataset dataset = synthetic_dataset(3, 3, 1);
  Recipe recipe = images_recipe();
  recipe.rotations = true;
  EXPECT_THROW(train_model(dataset, recipe, 1, pool), Error) << "only squares can be turned";
  for (Image& image : dataset.images) image = resize(image, 40, 40);
  recipe.width = recipe.height = 20;
  const Model turned = train_model(dataset, recipe, 1, pool).model;
  EXPECT_EQ(turned.training.identities, 3u);
  EXPECT_EQ(turned.training.images, 9u);
  EXPECT_EQ(turned.training.seen, remember(dataset));
  recipe.rotations = false;
  EXPECT_NE(twins(turned).members, twins(train_model(dataset, recipe, 1, pool).model).members);
}

TEST(TrainModel, PicturesThatAreTooSmallAreRefusedInWords) {
  ThreadPool pool(1);
  Dataset dataset = synthetic_dataset(3, 3, 1);
  for (Image& image : dataset.images) image = Image{8, 8, std::vector<float>(64, 0.5f)};
  try {
    train_model(dataset, pairs_recipe(), 1, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("does not fit inputs of 4 x 4"));
    EXPECT_THAT(error.what(), testing::HasSubstr("layer"));
  }
  EXPECT_THROW(train_model(Dataset{}, pairs_recipe(), 1, pool), Error);
}

}  // namespace
}  // namespace doppel::internal
