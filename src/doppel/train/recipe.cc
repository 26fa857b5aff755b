#include "doppel/train/recipe.h"

#include <nlohmann/json.hpp>

#include "doppel/base/error.h"

namespace doppel {

void Recipe::check() const {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::bad_argument, what); };
  if (step < 1) refuse("step: at least 1 was expected, not " + std::to_string(step));
  if (pairs_per_kind < 4 || pairs_per_kind > 100000000) {
    refuse("pairs: 4 to 100000000 of each kind were expected, not " +
           std::to_string(pairs_per_kind));
  }
  if (!(margin > 0 && margin < 1e6)) {
    refuse("margin: a number above 0 was expected, not " + std::to_string(margin));
  }
  if (batch < 1 || batch > 65536) {
    refuse("batch: 1 to 65536 pairs were expected, not " + std::to_string(batch));
  }
  if (epochs < 1 || epochs > 1000000) {
    refuse("epochs: 1 to 1000000 were expected, not " + std::to_string(epochs));
  }
  RmsProp(0, optimizer);  // refuses its own settings
}

Recipe recipe_named(const std::string& name) {
  if (name != "tutorial") {
    throw Error(ErrorKind::bad_argument, "recipe \"" + name + "\" is unknown; known: tutorial");
  }
  return {};
}

nlohmann::json recipe_to_json(const Recipe& recipe) {
  return {{"name", recipe.name},
          {"step", recipe.step},
          {"pairs_per_kind", recipe.pairs_per_kind},
          {"loss", {{"name", "contrastive"}, {"margin", recipe.margin}}},
          {"optimizer",
           {{"name", "rmsprop"},
            {"rate", recipe.optimizer.rate},
            {"rho", recipe.optimizer.rho},
            {"epsilon", recipe.optimizer.epsilon}}},
          {"batch", recipe.batch},
          {"epochs", recipe.epochs}};
}

Network tutorial_network(const Shape& input) {
  if (input.height < 10 || input.width < 10) {
    throw Error(ErrorKind::bad_argument,
                "the tutorial's network needs an input of at least 10 x 10, images give it " +
                    std::to_string(input.width) + " x " + std::to_string(input.height) +
                    " (wide x high, after every second row and column was dropped)");
  }
  return {input,
          {Conv{6, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{12, 3}, Relu{}, MaxPool{2},
           Dropout{0.25}, Flatten{}, Dense{128}, Relu{}, Dropout{0.1}, Dense{50}, Relu{}}};
}

}  // namespace doppel
