// The unseen-people measure: trains on some people, tests on others, fold by fold, with the plain
// baselines on the same folds beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/eval/one_shot.h"
#include "doppel/eval/verification.h"
#include "doppel/loss/energy.h"
#include "doppel/model/model.h"
#include "doppel/train/recipe.h"
#include "doppel/train/trainer.h"

namespace doppel::internal {

// What one system does on people it has not seen; rates in 0 .. 1.
struct UnseenMeasures {
  double eer = 0;
  double auc = 0;
  double tar_at_far_1pct = 0;
  double one_shot = 0;
};

// All that is measured on one group of people: verification over every pair of their images, N-way
// one-shot recognition over every image index.
struct PeopleMeasures {
  Verification verification;
  OneShot one_shot;

  UnseenMeasures rates() const {
    return {verification.eer, verification.auc, verification.tar_at_far_1pct, one_shot.accuracy};
  }
};
// `embeddings` holds a row for each image of `people`. Throws as its two parts do.
PeopleMeasures measure_people(const Matrix& embeddings, const Dataset& people, const Energy& energy,
                              ThreadPool& pool);

// One training and its test.
struct FoldResult {
  size_t fold = 0;
  uint64_t seed = 0;
  std::vector<std::string> test_identities;
  size_t genuine = 0, impostor = 0;  // test pairs
  size_t ways = 0;                   // of one-shot recognition
  bool far_1pct_resolved = true;     // false with fewer than 100 impostor pairs
  bool collapsed = false;            // the network's training
  double train_seconds = 0;
  UnseenMeasures network;
  UnseenMeasures pixels;  // nearest pixels, preprocessed as for the network
  UnseenMeasures pca;     // eigenfaces of the training people, 50 components
  // Both are the fold's: no seed changes them.
};

struct MeasureSummary {
  UnseenMeasures mean;
  UnseenMeasures spread;  // standard deviation (n - 1)
};
MeasureSummary summarise(std::span<const UnseenMeasures> results);

struct CrossValidation {
  std::vector<FoldResult> folds;  // those that were finished: all folds of a seed, then the next's
  bool finished = false;          // false: stopped by the training hooks
  MeasureSummary network;         // over folds and seeds
  MeasureSummary pixels, pca;     // over folds
};

struct CrossValidationHooks {
  std::function<void(size_t done, size_t all)> begin;  // before a training: how many are over
  std::function<void(const FoldResult&)> end;          // after its test
  // After `end`: what was trained, and the people it was tested on.
  std::function<void(const FoldResult&, const Model&, Dataset)> tested;
  TrainingHooks training;
};

struct CrossValidationPlan {
  int folds = 4;
  uint64_t seed = 0;
  size_t seeds = 1;
};

// Folds are contiguous blocks of identities in natural order (folds.h); every fold trains anew with
// `recipe` on the other identities alone, once for each of the `seeds` seeds seed, seed + 1, ...
// Throws as contiguous_folds() and train_model(), Error(bad_argument) where there are no seeds.
CrossValidation cross_validate(const Dataset& dataset, const Recipe& recipe,
                               const CrossValidationPlan& plan, ThreadPool& pool,
                               const CrossValidationHooks& hooks = {});

}  // namespace doppel::internal
