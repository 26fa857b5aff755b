#include "doppel/train/train_model.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/data/rotations.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/loss/contrastive.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

constexpr size_t kEpochsOfSteps = 20;  // a training counted in steps is reported in as many parts

// Loss and distances of pairs whose images are embedded once each.
PairLoss loss_of(const Matrix& embeddings, std::span<const Pair> pairs, double margin) {
  Matrix sides(2 * pairs.size(), embeddings.columns);
  std::vector<uint8_t> genuine(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::ranges::copy(embeddings.row(pairs[i].a), sides.row(i).begin());
    std::ranges::copy(embeddings.row(pairs[i].b), sides.row(pairs.size() + i).begin());
    genuine[i] = pairs[i].genuine;
  }
  return contrastive_loss(sides, genuine, margin);
}

// The validation pairs' loss; a collapse is that their distances differ by less than a thousandth
// of the margin.
Validation validate_pairs(const Matrix& inputs, std::span<const Pair> pairs, double margin,
                          Engine& engine, std::span<const float> parameters) {
  std::vector<const float*> rows;
  for (size_t i = 0; i < inputs.rows; ++i) rows.push_back(inputs.row(i).data());
  const PairLoss loss = loss_of(engine.embed(parameters, rows), pairs, margin);
  if (loss.distance.empty()) return {loss.loss, false};
  const auto [nearest, farthest] = std::ranges::minmax_element(loss.distance);
  return {loss.loss, *farthest - *nearest < 1e-3 * margin};
}

Network network_for(const Recipe& recipe, const Preprocessing& preprocessing) {
  Network network{{1, preprocessing.input_height(), preprocessing.input_width()}, recipe.layers};
  try {
    layer_shapes(network);
    if (recipe.hog_weight > 0) {
      Hog(recipe.hog, {network.input.height, network.input.width}).size();
    }
  } catch (const Error& error) {
    throw Error(ErrorKind::bad_argument, "recipe " + recipe.name + " does not fit inputs of " +
                                             std::to_string(network.input.width) + " x " +
                                             std::to_string(network.input.height) +
                                             " (wide x high): " + error.what());
  }
  return network;
}

}  // namespace

Preprocessing choose_preprocessing(const Image& sample, const Recipe& recipe) {
  constexpr int kLargestSide = 160, kShrunkSide = 112;
  Preprocessing result{recipe.width.value_or(sample.width), recipe.height.value_or(sample.height),
                       recipe.subsampling, recipe.standardize, recipe.align.value_or(false)};
  const int longer = std::max(sample.width, sample.height);
  if (!recipe.width && longer > kLargestSide) {
    const double scale = static_cast<double>(kShrunkSide) / longer;
    result.width = std::max(1, static_cast<int>(std::lround(sample.width * scale)));
    result.height = std::max(1, static_cast<int>(std::lround(sample.height * scale)));
  }
  return result;
}

TrainedModel train_model(const Dataset& given, const Recipe& recipe, uint64_t seed,
                         ThreadPool& pool, const TrainingHooks& hooks, CheckpointPlace checkpoint) {
  recipe.check();
  if (given.images.empty()) throw Error(ErrorKind::bad_data, given.source + ": no images");
  const Dataset turned = recipe.rotations ? with_rotations(given) : Dataset{};
  const Dataset& dataset = recipe.rotations ? turned : given;
  TrainedModel result;
  Model& model = result.model;
  model.preprocessing = choose_preprocessing(dataset.images.front(), recipe);
  TwinNetworks networks;
  networks.network = network_for(recipe, model.preprocessing);
  networks.views = recipe.views;
  networks.hog = {recipe.hog, recipe.hog_weight, {}};
  model.energy.kind = energy_named(recipe.energy);
  model.version = DOPPEL_VERSION;
  model.training.recipe = recipe_to_json(recipe);
  model.training.seed = seed;
  model.training.data_digest = given.digest;
  model.training.identities = given.identities.size();
  model.training.images = given.images.size();
  model.training.synthetic = is_synthetic(given);
  model.training.seen = remember(given);

  const Matrix inputs = preprocess(dataset.images, model.preprocessing, pool);
  const ImageShape shape{networks.network.input.height, networks.network.input.width};
  checkpoint.data_digest = given.digest;
  TrainingTask task{.recipe = recipe,
                    .network = networks.network,
                    .identities = dataset.identities.size(),
                    .batches = {},
                    .validate = {}};
  if (recipe.pairs) {
    PairSet drawn = draw_pairs(dataset, recipe.pairs->per_kind, seed);
    result.pair_method = std::move(drawn.method);
    result.split = split_pairs(std::move(drawn.pairs), seed);
    task.batches = [&](uint64_t member_seed) {
      return std::make_unique<PairBatches>(inputs, result.split.train, recipe.batch.size,
                                           member_seed);
    };
    if (recipe.loss.contains("margin")) {
      task.validate = [&](Engine& engine, std::span<const float> parameters) {
        return validate_pairs(inputs, result.split.validation, recipe.loss["margin"].get<double>(),
                              engine, parameters);
      };
    }
  } else {
    const size_t part = (recipe.steps + kEpochsOfSteps - 1) / kEpochsOfSteps;
    task.batches = [&, part](uint64_t member_seed) {
      return std::make_unique<ImageBatches>(inputs, shape, dataset.identity_of, recipe.batch,
                                            recipe.augment, part, member_seed);
    };
  }
  Trained trained = train(task, seed, pool, hooks, checkpoint);
  networks.members = std::move(trained.members);
  if (model.energy.kind == EnergyKind::weighted_l1) {
    model.energy.bias = trained.loss_parameters.back();
    trained.loss_parameters.pop_back();
    model.energy.weights = std::move(trained.loss_parameters);
  }
  model.training.history = std::move(trained.history);
  if (trained.finished && recipe.hog_weight > 0) {
    networks.hog.whitening = fit_whitening(hog_rows(networks, inputs, pool), dataset.identity_of);
  }
  model.embedder = std::move(networks);
  result.finished = trained.finished;
  result.collapsed = trained.collapsed;
  return result;
}

}  // namespace doppel::internal
