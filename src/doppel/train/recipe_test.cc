#include "doppel/train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

Recipe changed(const std::string& name, const std::vector<std::string>& changes) {
  return find_recipe(name, changes);
}

// What it says when it refuses; "accepted" where it does not.
template <typename Work>
std::string refusal(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Recipe, TheTutorialsSettings) {
  const Recipe recipe = find_recipe("tutorial");
  ASSERT_TRUE(recipe.pairs.has_value());
  EXPECT_EQ(recipe.pairs->per_kind, 10000u);
  EXPECT_EQ(recipe.subsampling, 2);
  EXPECT_FALSE(recipe.standardize);
  EXPECT_EQ(recipe.loss, (json{{"type", "contrastive_pairs"}, {"margin", 1.0}}));
  EXPECT_EQ(recipe.optimizer, OptimizerSettings());  // Keras' RMSprop
  EXPECT_EQ(recipe.batch.size, 128u);
  EXPECT_EQ(recipe.epochs, 13u);
  EXPECT_EQ(recipe.schedule.factor(0, 100), 1);
  EXPECT_EQ(recipe.schedule.factor(99, 100), 1);
  EXPECT_EQ(recipe.views, Views());
}

TEST(Recipe, TheTutorialsNetwork) {
  const std::vector<Layer> layers = find_recipe("tutorial").layers;
  const Network network{{1, 56, 46}, layers};
  const auto shapes = layer_shapes(network);
  EXPECT_EQ(shapes[8], (Shape{1440, 1, 1}));
  EXPECT_EQ(shapes.back(), (Shape{50, 1, 1}));
  EXPECT_EQ(parameter_count(network),
            6u * 9 + 6 + 12 * 6 * 9 + 12 + 128 * 1440 + 128 + 50 * 128 + 50);
  EXPECT_NO_THROW(layer_shapes({{1, 10, 10}, layers}));
  EXPECT_THROW(layer_shapes({{1, 9, 46}, layers}), Error);
}

TEST(Recipe, EveryFileInRecipesIsBuiltInAndLoads) {
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator("recipes")) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    const std::string name = entry.path().stem().string();
    EXPECT_THAT(recipe_names(), testing::Contains(name));
    const Recipe recipe = find_recipe(name);
    EXPECT_EQ(recipe.name, name);
    EXPECT_FALSE(recipe.about.empty()) << name;
    EXPECT_EQ(recipe_to_json(find_recipe(entry.path().string())), recipe_to_json(recipe));
  }
  EXPECT_EQ(files, recipe_names().size());
  EXPECT_GE(files, 2u);
}

TEST(Recipe, JsonRoundTripKeepsEverything) {
  for (const std::string& name : recipe_names()) {
    const json whole = recipe_to_json(find_recipe(name));
    EXPECT_EQ(recipe_to_json(recipe_from_json(json::parse(whole.dump()))), whole) << name;
  }
  // Settings that no recipe of ours has to have.
  json settings = recipe_to_json(find_recipe("tutorial"));
  settings["loss"] = {{"type", "logistic_pairs"}};
  settings["embedding"] = {{"energy", "weighted_l1"}, {"mirror", true}, {"scales", {0.9, 1.0}}};
  settings["optimizer"] = {{"type", "sgd"}, {"momentum", 0.9}, {"nesterov", true}};
  settings["schedule"] = {{"type", "cosine"}, {"warm_up", 0.1}};
  settings["training"] = {{"epochs", 2}, {"members", 3}, {"average", 0.99}, {"settle", true}};
  settings["input"] = {{"step", 1}, {"width", 40}, {"height", 50}, {"standardize", true}};
  const Recipe odd = recipe_from_json(settings);
  const json whole = recipe_to_json(odd);
  EXPECT_EQ(recipe_to_json(recipe_from_json(whole)), whole);
  EXPECT_EQ(odd.width, 40);
  EXPECT_TRUE(odd.remeasure_statistics);
  EXPECT_EQ(odd.members, 3u);
  EXPECT_TRUE(odd.optimizer.nesterov);
}

TEST(Recipe, ChangesReachEveryTable) {
  const Recipe recipe = changed("faces", {"training.steps=800", "augment.rotation=0.5",
                                          "optimizer.rate=0.25", "name='mine'"});
  EXPECT_EQ(recipe.steps, 800u);
  EXPECT_EQ(recipe.augment.rotation, 0.5);
  EXPECT_EQ(recipe.optimizer.rate, 0.25);
  EXPECT_EQ(recipe.name, "mine");
  // A table is replaced as a whole.
  EXPECT_EQ(changed("faces", {"loss={type='triplet_batch_hard'}"}).loss["type"],
            "triplet_batch_hard");
  EXPECT_EQ(recipe.batch, find_recipe("faces").batch);
}

TEST(Recipe, ChangesThatMakeNoSenseAreNamed) {
  const auto refused = [](const std::string& name, const std::string& change) {
    return refusal([&] { changed(name, {change}); });
  };
  EXPECT_THAT(refused("faces", "training.steps"), HasSubstr("\"training.steps\": a setting is"));
  EXPECT_THAT(refused("faces", "=3"), HasSubstr("a setting is changed as in"));
  EXPECT_THAT(refused("faces", "training.steps=many"), HasSubstr("training.steps=many"));
  EXPECT_THAT(refused("faces", "about.steps=3"), HasSubstr("\"about.steps=3\""));
  EXPECT_THAT(refused("faces", "training.steps='800'"),
              HasSubstr("[training]: \"steps\" must be a whole number"));
  EXPECT_THAT(refused("faces", "training.steps=0"), HasSubstr("training.steps"));
  EXPECT_THAT(refused("faces", "training.steps=-1"), HasSubstr("\"steps\" must be"));
  EXPECT_THAT(refused("faces", "training.speed=2"),
              HasSubstr("[training]: \"speed\" is unknown; known: steps"));
  EXPECT_THAT(refused("faces", "training.epochs=2"),
              HasSubstr("[training]: \"epochs\" is unknown"));
  EXPECT_THAT(refused("tutorial", "training.steps=2"),
              HasSubstr("[training]: \"steps\" is unknown"));
  EXPECT_THAT(refused("tutorial", "training.epochs=0"), HasSubstr("training.epochs"));
  EXPECT_THAT(refused("tutorial", "pairs.per_kind=1"), HasSubstr("pairs.per_kind"));
  EXPECT_THAT(refused("tutorial", "pairs.kinds=1"), HasSubstr("[pairs]: \"kinds\" is unknown"));
  EXPECT_THAT(refused("tutorial", "pairs=7"), HasSubstr("[pairs] must be a table"));
  EXPECT_THAT(refused("tutorial", "augment.flip=0.5"), HasSubstr("[augment] is for training on"));
  EXPECT_THAT(refused("tutorial", "loss.margin=0"),
              HasSubstr("\"margin\" must be a number above 0"));
  EXPECT_THAT(refused("tutorial", "loss={type='triplet'}"), HasSubstr("contrastive_pairs"));
  EXPECT_THAT(refused("tutorial", "embedding.energy='weighted_l1'"), HasSubstr("logistic_pairs"));
  EXPECT_THAT(refused("faces", "embedding.energy='near'"), HasSubstr("near"));
  EXPECT_THAT(refused("faces", "embedding.mirrors=true"), HasSubstr("gradient_weight"));
  EXPECT_THAT(refused("faces", "embedding.gradient_cell=1"), HasSubstr("not 1"));
  EXPECT_THAT(refused("faces", "embedding.gradient_weight=-1"), HasSubstr("gradient_weight"));
  EXPECT_THAT(refused("faces", "embedding.mirrors=true"), HasSubstr("[embedding]"));
  EXPECT_THAT(refused("faces", "optimizer.rate=-1"), HasSubstr("rate"));
  EXPECT_THAT(refused("faces", "optimizer.speed=1"), HasSubstr("[optimizer]"));
  EXPECT_THAT(refused("faces", "schedule.type='moon'"), HasSubstr("[schedule]"));
  EXPECT_THAT(refused("faces", "augment.flop=1"), HasSubstr("[augment]"));
  EXPECT_THAT(refused("faces", "batch.size=0"), HasSubstr("batch"));
  EXPECT_THAT(refused("faces", "input.step=0"), HasSubstr("input.step"));
  EXPECT_THAT(refused("faces", "input.standardize=1"),
              HasSubstr("[input]: \"standardize\" must be true or false, not 1"));
  EXPECT_THAT(refused("faces", "network.initialisation='zeros'"), HasSubstr("zeros"));
  EXPECT_THAT(refused("faces", "network.layers=[{type='attention'}]"), HasSubstr("[network]"));
  EXPECT_THAT(refused("faces", "network.layers=[]"), HasSubstr("[network]"));
  EXPECT_THAT(refused("faces", "training.average=1.0"), HasSubstr("training.average"));
  EXPECT_THAT(refused("faces", "training.members=0"), HasSubstr("training.members"));
  EXPECT_THAT(refused("faces", "colour=1"), HasSubstr("\"colour\" is unknown; known: name"));
}

// What is left out is decided by who trains, and is none in a model file.
TEST(Recipe, WhetherToAlignMayBeLeftOut) {
  EXPECT_EQ(find_recipe("faces").align, std::nullopt);
  EXPECT_EQ(recipe_to_json(find_recipe("faces"))["input"]["align"], false);
  EXPECT_EQ(changed("faces", {"input.align=true"}).align, true);
  EXPECT_EQ(changed("faces", {"input.align=false"}).align, false);
  EXPECT_EQ(find_recipe("omniglot").align, false);
}

TEST(Recipe, WidthAndHeightComeTogether) {
  json recipe = recipe_to_json(find_recipe("tutorial"));
  recipe["input"]["width"] = 40;
  EXPECT_THAT(refusal([&] { recipe_from_json(recipe); }), HasSubstr("width and height"));
  recipe["input"]["height"] = 5000;
  EXPECT_THAT(refusal([&] { recipe_from_json(recipe); }), HasSubstr("1 to 4096"));
  recipe.erase("loss");
  EXPECT_THAT(refusal([&] { recipe_from_json(recipe); }), HasSubstr("[loss]"));
  EXPECT_THAT(refusal([] { recipe_from_json(json::array()); }), HasSubstr("a table"));
}

TEST(Recipe, UnknownNamesListTheKnownOnes) {
  const std::string said = refusal([] { find_recipe("nonsense"); });
  EXPECT_THAT(said, HasSubstr("\"nonsense\" is unknown"));
  EXPECT_THAT(said, HasSubstr("tutorial"));
  EXPECT_THROW(find_recipe("nowhere/mine.toml"), Error);
}

TEST(Recipe, ErrorsInAFileNameItAndTheLine) {
  const fs::path path = fs::path(testing::TempDir()) / "doppel_recipe.toml";
  const auto refused = [&](const std::string& text) {
    write_file_atomically(path, text);
    return refusal([&] { find_recipe(path.string()); });
  };
  EXPECT_THAT(refused("about = \"x\"\n[training\nsteps = 3\n"),
              testing::AllOf(HasSubstr(path.string()), HasSubstr("line 2")));
  EXPECT_THAT(refused("[loss]\ntype = \"x\ny\"\n"), HasSubstr("line 2"));
  EXPECT_THAT(refused("[loss]\ntype = 'triplet'\n[loss]\n"), HasSubstr("line 3"));
  EXPECT_NE(refused(""), "accepted");
  // A whole one has the file's name where it gives itself none.
  std::ifstream tutorial("recipes/tutorial.toml");
  std::string text(std::istreambuf_iterator<char>(tutorial), {});
  EXPECT_EQ(refused(text), "accepted");
  EXPECT_EQ(find_recipe(path.string()).name, "doppel_recipe");
  fs::remove(path);
}

}  // namespace
}  // namespace doppel::internal
