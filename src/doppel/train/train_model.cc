#include "doppel/train/train_model.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/error.h"

namespace doppel {

Preprocessing choose_preprocessing(const Image& sample, const Recipe& recipe) {
  constexpr int kLargestSide = 160, kShrunkSide = 112;
  Preprocessing result{sample.width, sample.height, recipe.step};
  const int longer = std::max(sample.width, sample.height);
  if (longer > kLargestSide) {
    const double scale = static_cast<double>(kShrunkSide) / longer;
    result.width = std::max(1, static_cast<int>(std::lround(sample.width * scale)));
    result.height = std::max(1, static_cast<int>(std::lround(sample.height * scale)));
  }
  return result;
}

TrainedModel train_model(const Dataset& dataset, const Recipe& recipe, uint64_t seed,
                         ThreadPool& pool, const TrainingHooks& hooks, CheckpointPlace checkpoint) {
  recipe.check();
  if (dataset.images.empty()) throw Error(ErrorKind::bad_data, dataset.source + ": no images");
  PairSet drawn = draw_pairs(dataset, recipe.pairs_per_kind, seed);
  TrainedModel result;
  result.pair_method = std::move(drawn.method);
  result.split = split_pairs(std::move(drawn.pairs), seed);

  Model& model = result.model;
  model.preprocessing = choose_preprocessing(dataset.images.front(), recipe);
  model.network =
      tutorial_network({1, model.preprocessing.input_height(), model.preprocessing.input_width()});
  model.version = DOPPEL_VERSION;
  model.training.recipe = recipe_to_json(recipe);
  model.training.seed = seed;
  model.training.data_digest = dataset.digest;
  model.training.identities = dataset.identities.size();
  model.training.images = dataset.images.size();

  const Matrix inputs = preprocess(dataset.images, model.preprocessing);
  checkpoint.data_digest = dataset.digest;
  Trained trained =
      train_pairs(recipe, model.network, {inputs, result.split.train, result.split.validation},
                  seed, pool, hooks, checkpoint);
  model.parameters = std::move(trained.parameters);
  model.training.history = std::move(trained.history);
  result.finished = trained.finished;
  result.collapsed = trained.collapsed;
  return result;
}

}  // namespace doppel
