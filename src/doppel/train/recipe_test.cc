#include "doppel/train/recipe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "doppel/base/error.h"

namespace doppel {
namespace {

TEST(Recipe, TheTutorialsSettings) {
  const auto json = recipe_to_json(recipe_named("tutorial"));
  EXPECT_EQ(json["pairs_per_kind"], 10000);
  EXPECT_EQ(json["loss"]["margin"], 1.0);
  EXPECT_EQ(json["optimizer"]["rate"], 0.001);
  EXPECT_EQ(json["optimizer"]["rho"], 0.9);
  EXPECT_EQ(json["optimizer"]["epsilon"], 1e-7);
  EXPECT_EQ(json["batch"], 128);
  EXPECT_EQ(json["epochs"], 13);
  EXPECT_THROW(recipe_named("nonsense"), Error);
}

TEST(Recipe, TheTutorialsNetwork) {
  const Network network = tutorial_network({1, 56, 46});
  const auto shapes = layer_shapes(network);
  EXPECT_EQ(shapes[8], (Shape{1440, 1, 1}));
  EXPECT_EQ(shapes.back(), (Shape{50, 1, 1}));
  EXPECT_EQ(parameter_count(network),
            6u * 9 + 6 + 12 * 6 * 9 + 12 + 128 * 1440 + 128 + 50 * 128 + 50);
  EXPECT_NO_THROW(tutorial_network({1, 10, 10}));
  EXPECT_THROW(tutorial_network({1, 9, 46}), Error);
}

TEST(Recipe, SettingsThatMakeNoSenseAreNamed) {
  const auto refused = [](auto change, const std::string& named) {
    Recipe recipe;
    change(recipe);
    try {
      recipe.check();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
      return true;
    }
    return false;
  };
  EXPECT_NO_THROW(Recipe().check());
  EXPECT_TRUE(refused([](Recipe& r) { r.epochs = 0; }, "epochs"));
  EXPECT_TRUE(refused([](Recipe& r) { r.batch = 0; }, "batch"));
  EXPECT_TRUE(refused([](Recipe& r) { r.margin = 0; }, "margin"));
  EXPECT_TRUE(refused([](Recipe& r) { r.pairs_per_kind = 1; }, "pairs"));
  EXPECT_TRUE(refused([](Recipe& r) { r.optimizer.rate = -1; }, "learning rate"));
  EXPECT_TRUE(refused([](Recipe& r) { r.step = 0; }, "step"));
}

}  // namespace
}  // namespace doppel
