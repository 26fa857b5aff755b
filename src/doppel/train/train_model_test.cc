#include "doppel/train/train_model.h"

#include <gtest/gtest.h>

#include "doppel/base/error.h"
#include "doppel/data/synthetic.h"

namespace doppel {
namespace {

TEST(TrainModel, PreprocessingKeepsSmallPicturesAndShrinksLargeOnes) {
  const Recipe recipe;
  const auto chosen = [&](int width, int height) {
    const Preprocessing p = choose_preprocessing(Image{width, height, {}}, recipe);
    return std::tuple(p.width, p.height, p.step);
  };
  EXPECT_EQ(chosen(92, 112), std::tuple(92, 112, 2));
  EXPECT_EQ(chosen(160, 100), std::tuple(160, 100, 2));
  EXPECT_EQ(chosen(3000, 4000), std::tuple(84, 112, 2));
  EXPECT_EQ(chosen(4000, 1), std::tuple(112, 1, 2));
}

TEST(TrainModel, MakesAModelThatRemembersItsTraining) {
  ThreadPool pool(2);
  const Dataset dataset = synthetic_dataset(5, 4, 1);
  Recipe recipe;
  recipe.pairs_per_kind = 100;
  recipe.epochs = 2;
  const TrainedModel trained = train_model(dataset, recipe, 3, pool);
  EXPECT_TRUE(trained.finished);
  EXPECT_EQ(trained.split.train.size(), 113u);  // 200 pairs: 75 % of 75 %
  EXPECT_EQ(trained.split.test.size(), 50u);
  EXPECT_FALSE(trained.pair_method.empty());
  const Model& model = trained.model;
  EXPECT_EQ(model.training.identities, 5u);
  EXPECT_EQ(model.training.images, 20u);
  EXPECT_EQ(model.training.data_digest, dataset.digest);
  EXPECT_EQ(model.training.history.size(), 2u);
  EXPECT_EQ(model.network.input, (Shape{1, 56, 46}));
  // Equal runs give equal files, on any number of threads.
  ThreadPool one(1);
  EXPECT_EQ(encode_model(train_model(dataset, recipe, 3, one).model), encode_model(model));
  EXPECT_NE(encode_model(train_model(dataset, recipe, 4, one).model), encode_model(model));
}

TEST(TrainModel, PicturesThatAreTooSmallAreRefusedInWords) {
  ThreadPool pool(1);
  Dataset dataset = synthetic_dataset(3, 3, 1);
  for (Image& image : dataset.images) image = Image{8, 8, std::vector<float>(64, 0.5f)};
  Recipe recipe;
  recipe.pairs_per_kind = 10;
  try {
    train_model(dataset, recipe, 1, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_NE(std::string(error.what()).find("at least 10 x 10"), std::string::npos);
  }
}

}  // namespace
}  // namespace doppel
