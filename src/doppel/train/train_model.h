// From a data set to a model: chooses the preprocessing, draws and splits the pairs, trains.
#pragma once

#include <cstdint>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/data/pairs.h"
#include "doppel/model/model.h"
#include "doppel/train/recipe.h"
#include "doppel/train/trainer.h"

namespace doppel::internal {

// The size that a recipe names; without one, pictures of up to 160 pixels a side are taken as they
// are, and larger ones are shrunk to 112 on the longer side, since networks here are made for small
// faces.
Preprocessing choose_preprocessing(const Image& sample, const Recipe& recipe);

struct TrainedModel {
  Model model;              // complete where `finished`
  PairSplit split;          // of a training on pairs: which were for training, validation, test
  std::string pair_method;  // how they were drawn, in words
  bool finished = false;
  bool collapsed = false;
};

// Only `dataset` is looked at: for figures on unseen people, leave them out of it. The checkpoint's
// data digest is set from the data set. Throws as load_dataset()'s consumers do: Error(bad_data)
// where pairs cannot be drawn or images do not fit the network, Error(bad_argument) for the recipe,
// and as train().
TrainedModel train_model(const Dataset& dataset, const Recipe& recipe, uint64_t seed,
                         ThreadPool& pool, const TrainingHooks& hooks = {},
                         CheckpointPlace checkpoint = {});

}  // namespace doppel::internal
