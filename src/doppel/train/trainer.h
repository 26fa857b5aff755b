// The training loop: batches in, a trained network's parameters out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/model/model.h"
#include "doppel/nn/engine.h"
#include "doppel/nn/network.h"
#include "doppel/train/batch_source.h"
#include "doppel/train/recipe.h"

namespace doppel::internal {

struct BatchReport {
  size_t member, members;  // of the networks trained one after the other, from 0
  size_t epoch, epochs;    // epoch counts from 0
  size_t batch, batches;   // batch: how many of this epoch are done
  double loss;             // mean over this epoch's examples so far

  double done() const {  // of the whole training, 0 .. 1
    const double epochs_done =
        static_cast<double>(epoch) + static_cast<double>(batch) / static_cast<double>(batches);
    return (static_cast<double>(member) + epochs_done / static_cast<double>(epochs)) /
           static_cast<double>(members);
  }
};

struct EpochReport {
  size_t member, members;
  size_t epoch, epochs;
  size_t steps_done, steps;  // of this member
  double seconds;            // of this run: after a resume, those since then
  EpochLosses losses;
  bool collapsed;  // the embedding tells nobody apart
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

// What is looked at behind every epoch, on examples that are not trained.
struct Validation {
  double loss = 0;
  bool collapsed = false;
};

struct TrainingTask {
  const Recipe& recipe;
  const Network& network;
  size_t identities;  // labels are below this
  // Batches for a member; seeds differ from member to member.
  std::function<std::unique_ptr<BatchSource>(uint64_t seed)> batches;
  std::function<Validation(Engine& engine, std::span<const float> parameters)> validate;  // or none
};

struct Trained {
  std::vector<std::vector<float>> members;  // each the parameters of the network
  std::vector<float> loss_parameters;       // the last member's
  std::vector<EpochLosses> history;         // of all members, one after the other
  bool finished = false;                    // false: stopped by hooks.stop
  bool collapsed = false;                   // any member
};

// Trains `network` as the recipe says, members one after the other. The result depends on task and
// seed alone: not on threads, nor on interruptions. The next batch is made beside the step.
//
// A collapse is what TrainingTask::validate finds or, without it, that all distances of an epoch's
// last batch are alike within a thousandth of the embeddings' mean length.
//
// Throws Error(numeric) at the first step whose loss or weights are not finite, naming epoch and
// batch; a checkpoint written before is left as it is. Else as the engine and the checkpoint do.
Trained train(const TrainingTask& task, uint64_t seed, ThreadPool& pool,
              const TrainingHooks& hooks = {}, const CheckpointPlace& checkpoint = {});

}  // namespace doppel::internal
