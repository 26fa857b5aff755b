#include "doppel/train/recipe.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "doppel/base/file.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/train/built_in_recipes.h"
#include "doppel/train/objective.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostRecipeBytes = 1 << 20;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::bad_argument, "recipe: " + what);
}

// A table of settings, empty where the recipe has none.
JsonObject table(const json& recipe, const char* name) {
  static const json empty = json::object();
  const json& settings = recipe.contains(name) ? recipe[name] : empty;
  if (!settings.is_object()) refuse(std::string("[").append(name).append("] must be a table"));
  return {settings, std::string("recipe: [").append(name).append("]"), ErrorKind::bad_argument};
}

const char* to_text(Initialisation initialisation) {
  return initialisation == Initialisation::glorot_uniform ? "glorot_uniform" : "he_normal";
}

// Settings that other parts read for themselves, their errors named by the table.
template <typename Read>
auto read_part(const char* table, const json& part, const Read& read) {
  try {
    return read(part);
  } catch (const Error& error) {
    refuse(std::string("[") + table + "] " + error.what());
  }
}

}  // namespace

void Recipe::check() const {
  if (layers.empty()) refuse("[network] has no layers");
  if (subsampling < 1 || subsampling > 64)
    refuse("input.step: 1 to 64 was expected, not " + std::to_string(subsampling));
  for (const std::optional<int>& side : {width, height}) {
    if (side && (*side < 1 || *side > 4096)) {
      refuse("input: a width or height of 1 to 4096 was expected, not " + std::to_string(*side));
    }
  }
  if (width.has_value() != height.has_value()) {
    refuse("input: width and height come together or not at all");
  }
  if (pairs && (pairs->per_kind < 4 || pairs->per_kind > 100000000)) {
    refuse("pairs.per_kind: 4 to 100000000 of each kind were expected, not " +
           std::to_string(pairs->per_kind));
  }
  batch.check();
  if (pairs) {
    if (epochs < 1 || epochs > 1000000) {
      refuse("training.epochs: 1 to 1000000 were expected, not " + std::to_string(epochs));
    }
    if (augment != AugmentSettings{}) refuse("[augment] is for training on batches of images");
    if (rotations) refuse("input.rotations is for training on batches of images");
    if (batch.per_identity > 0) refuse("batch.per_identity is for training on batches of images");
  } else if (steps < 1 || steps > 10000000) {
    refuse("training.steps: 1 to 10000000 were expected, not " + std::to_string(steps));
  }
  if (!(average >= 0 && average < 1)) {
    refuse("training.average: a decay in [0, 1) was expected, not " + std::to_string(average));
  }
  if (members < 1 || members > 64) {
    refuse("training.members: 1 to 64 were expected, not " + std::to_string(members));
  }
  augment.check();
  optimizer.check();
  schedule.check();
  views.check();
  hog.check();
  if (!(hog_weight >= 0 && hog_weight <= 1e6)) {
    refuse("embedding.gradient_weight: at least 0 was expected, not " + std::to_string(hog_weight));
  }
  complete_objective(loss, pairs.has_value());
  const bool logistic = loss.value("type", "") == "logistic_pairs";
  if ((energy_named(energy) == EnergyKind::weighted_l1) != logistic) {
    refuse("the energy \"weighted_l1\" is what the loss \"logistic_pairs\" learns: both or none");
  }
}

nlohmann::json recipe_to_json(const Recipe& recipe) {
  json input = {{"step", recipe.subsampling},
                {"standardize", recipe.standardize},
                {"align", recipe.align.value_or(false)},
                {"rotations", recipe.rotations}};
  if (recipe.width && recipe.height) {
    input["width"] = *recipe.width;
    input["height"] = *recipe.height;
  }
  json embedding = views_to_json(recipe.views);
  embedding["energy"] = recipe.energy;
  embedding["gradient_cell"] = recipe.hog.cell;
  embedding["gradient_bins"] = recipe.hog.bins;
  embedding["gradient_weight"] = recipe.hog_weight;
  json result = {{"name", recipe.name},
                 {"about", recipe.about},
                 {"input", input},
                 {"network",
                  {{"initialisation", to_text(recipe.initialisation)},
                   {"layers", layers_to_json(recipe.layers)}}},
                 {"batch", {{"size", recipe.batch.size}}},
                 {"loss", complete_objective(recipe.loss, recipe.pairs.has_value())},
                 {"optimizer", optimizer_to_json(recipe.optimizer)},
                 {"schedule", schedule_to_json(recipe.schedule)},
                 {"training",
                  {{"average", recipe.average},
                   {"settle", recipe.remeasure_statistics},
                   {"members", recipe.members}}},
                 {"embedding", embedding}};
  if (recipe.pairs) {
    result["pairs"] = {{"per_kind", recipe.pairs->per_kind}};
    result["training"]["epochs"] = recipe.epochs;
  } else {
    result["batch"]["per_identity"] = recipe.batch.per_identity;
    result["training"]["steps"] = recipe.steps;
    result["augment"] = augment_to_json(recipe.augment);
  }
  return result;
}

Recipe recipe_from_json(const nlohmann::json& document) {
  if (!document.is_object()) refuse("a table of settings was expected");
  const JsonObject whole(document, "recipe", ErrorKind::bad_argument);
  whole.expect_only({"name", "about", "input", "network", "pairs", "batch", "loss", "augment",
                     "optimizer", "schedule", "training", "embedding"});
  Recipe recipe;
  whole.read("name", recipe.name);
  whole.read("about", recipe.about);
  const JsonObject input = table(document, "input");
  input.read("width", recipe.width);
  input.read("height", recipe.height);
  input.read("step", recipe.subsampling);
  input.read("standardize", recipe.standardize);
  input.read("align", recipe.align);
  input.read("rotations", recipe.rotations);
  input.expect_only({"width", "height", "step", "standardize", "align", "rotations"});

  const JsonObject network = table(document, "network");
  std::string initialisation = to_text(recipe.initialisation);
  network.read("initialisation", initialisation);
  if (initialisation == "he_normal") {
    recipe.initialisation = Initialisation::he_normal;
  } else if (initialisation != "glorot_uniform") {
    refuse("network.initialisation: glorot_uniform or he_normal was expected, not \"" +
           initialisation + "\"");
  }
  if (network.has("layers")) {
    recipe.layers = read_part("network", network.at("layers"), layers_from_json);
  }
  network.expect_only({"initialisation", "layers"});

  if (document.contains("pairs")) {
    recipe.pairs = Recipe::Pairs{};
    const JsonObject pairs = table(document, "pairs");
    pairs.read("per_kind", recipe.pairs->per_kind);
    pairs.expect_only({"per_kind"});
  }
  const JsonObject batch = table(document, "batch");
  batch.read("size", recipe.batch.size);
  batch.read("per_identity", recipe.batch.per_identity);
  batch.expect_only({"size", "per_identity"});

  if (!document.contains("loss")) refuse("[loss] is missing");
  recipe.loss = read_part("loss", document["loss"], [&](const json& loss) {
    return complete_objective(loss, recipe.pairs.has_value());
  });
  if (document.contains("augment")) {
    recipe.augment = read_part("augment", document["augment"], augment_from_json);
  }
  if (document.contains("optimizer")) {
    recipe.optimizer = read_part("optimizer", document["optimizer"], optimizer_from_json);
  }
  if (document.contains("schedule")) {
    recipe.schedule = read_part("schedule", document["schedule"], schedule_from_json);
  }
  const JsonObject training = table(document, "training");
  if (recipe.pairs) {
    training.read("epochs", recipe.epochs);
  } else {
    training.read("steps", recipe.steps);
  }
  training.read("average", recipe.average);
  training.read("settle", recipe.remeasure_statistics);
  training.read("members", recipe.members);
  training.expect_only({recipe.pairs ? "epochs" : "steps", "average", "settle", "members"});

  const JsonObject embedding = table(document, "embedding");
  embedding.read("energy", recipe.energy);
  embedding.read("gradient_cell", recipe.hog.cell);
  embedding.read("gradient_bins", recipe.hog.bins);
  embedding.read("gradient_weight", recipe.hog_weight);
  json views = json::object();
  for (const char* key : {"mirror", "scales"}) {
    if (embedding.has(key)) views[key] = embedding.at(key);
  }
  recipe.views = read_part("embedding", views, views_from_json);
  embedding.expect_only(
      {"mirror", "scales", "energy", "gradient_cell", "gradient_bins", "gradient_weight"});
  recipe.check();
  return recipe;
}

nlohmann::json recipe_json_from_toml(std::string_view text, const std::string& source) {
  try {
    const toml::table table = toml::parse(text, source);
    std::ostringstream out;
    out << toml::json_formatter{table};
    return json::parse(out.str());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::bad_argument, source + ", line " +
                                             std::to_string(error.source().begin.line) + ": " +
                                             std::string(error.description()));
  } catch (const json::exception& error) {
    throw Error(ErrorKind::bad_argument, source + ": " + error.what());
  }
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : kBuiltInRecipes) names.emplace_back(name);
  return names;
}

Recipe find_recipe(const std::string& name_or_file, std::span<const std::string> changes) {
  json document;
  const auto* built_in = std::ranges::find(
      kBuiltInRecipes, name_or_file, [](const auto& recipe) { return std::string(recipe.first); });
  if (built_in != std::end(kBuiltInRecipes)) {
    document = recipe_json_from_toml(built_in->second, name_or_file);
    document["name"] = name_or_file;
  } else {
    const std::filesystem::path path(name_or_file);
    if (path.extension() != ".toml" && !std::filesystem::exists(path)) {
      std::string known;
      for (const std::string& name : recipe_names()) known += (known.empty() ? "" : ", ") + name;
      throw Error(ErrorKind::bad_argument, "recipe \"" + name_or_file + "\" is unknown; known: " +
                                               known + ", or a .toml file");
    }
    document = recipe_json_from_toml(read_file(path, kMostRecipeBytes), name_or_file);
    if (!document.contains("name")) document["name"] = path.stem().string();
  }
  for (const std::string& change : changes) {
    const size_t equals = change.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::bad_argument,
                  "\"" + change + "\": a setting is changed as in training.steps=800");
    }
    // The value as TOML has it, put where the key's path leads.
    const json value =
        recipe_json_from_toml(std::string("value").append(change, equals), change)["value"];
    std::string path = std::string("/").append(change, 0, equals);
    std::ranges::replace(path, '.', '/');
    try {
      document[json::json_pointer(path)] = value;
    } catch (const json::exception&) {
      throw Error(ErrorKind::bad_argument, "\"" + change + "\": the recipe has no such place");
    }
  }
  return recipe_from_json(document);
}

}  // namespace doppel::internal
