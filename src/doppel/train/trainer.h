// The training loop over pairs: batches in, a trained network's parameters out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/data/pairs.h"
#include "doppel/model/model.h"
#include "doppel/nn/network.h"
#include "doppel/train/recipe.h"

namespace doppel {

struct BatchReport {
  size_t epoch, epochs;   // epoch counts from 0
  size_t batch, batches;  // batch: how many of this epoch are done
  double loss;            // mean over this epoch's pairs so far
};

struct EpochReport {
  size_t epoch, epochs;
  double seconds;  // of this run: after a resume, those since then
  EpochLosses losses;
  // All validation distances lie within a thousandth of the margin: the network tells nobody apart.
  bool collapsed;
};

// What a training tells while it runs, and asks: each may be empty. Called on the training thread.
struct TrainingHooks {
  std::function<void(const BatchReport&)> batch;
  std::function<void(const EpochReport&)> epoch;
  std::function<bool()> stop;  // asked after each batch: true ends the training there
};

// Where an unfinished training is kept; an empty path: nowhere. It is written when the training is
// stopped, and after an epoch where the last time is a second ago; removing it is the caller's.
struct CheckpointPlace {
  std::filesystem::path path;
  bool resume = false;      // go on from what is there
  std::string data_digest;  // a checkpoint of other data is refused
};

struct TrainingPairs {
  const Matrix& inputs;  // one row per image
  std::span<const Pair> train, validation;
};

struct Trained {
  std::vector<float> parameters;
  std::vector<EpochLosses> history;
  bool finished = false;  // false: stopped by hooks.stop
  bool collapsed = false;
};

// Trains `network` with `recipe` from Glorot-uniform weights, reshuffling in every epoch. The
// result depends on recipe, network, data and seed alone: not on threads, nor on interruptions.
//
// Throws Error(numeric) at the first step whose loss or weights are not finite, naming epoch and
// batch; a checkpoint written before is left as it is. Else as the engine and the checkpoint do.
Trained train_pairs(const Recipe& recipe, const Network& network, const TrainingPairs& pairs,
                    uint64_t seed, ThreadPool& pool, const TrainingHooks& hooks = {},
                    const CheckpointPlace& checkpoint = {});

}  // namespace doppel
