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
#include "doppel/train/recipe.h"
#include "doppel/train/trainer.h"

namespace doppel {

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
PeopleMeasures measure_people(const Matrix& embeddings, const Dataset& people);

struct FoldResult {
  std::vector<std::string> test_identities;
  size_t genuine = 0, impostor = 0;  // test pairs
  size_t ways = 0;                   // of one-shot recognition
  bool far_1pct_resolved = true;     // false with fewer than 100 impostor pairs
  bool collapsed = false;            // the network's training
  double train_seconds = 0;
  UnseenMeasures network;
  UnseenMeasures pixels;  // nearest pixels, preprocessed as for the network
  UnseenMeasures pca;     // eigenfaces of the training people, 50 components
};

struct MeasureSummary {
  UnseenMeasures mean;    // over folds
  UnseenMeasures spread;  // standard deviation over folds (n - 1)
};
MeasureSummary summarise(std::span<const UnseenMeasures> folds);

struct CrossValidation {
  std::vector<FoldResult> folds;  // those that were finished
  bool finished = false;          // false: stopped by the training hooks
  MeasureSummary network, pixels, pca;
};

struct CrossValidationHooks {
  std::function<void(size_t fold, size_t folds)> begin;     // before a fold's training
  std::function<void(size_t fold, const FoldResult&)> end;  // after its test
  TrainingHooks training;
};

// Folds are contiguous blocks of identities in natural order (folds.h); every fold trains anew with
// `recipe` and `seed` on the other identities alone. Throws as contiguous_folds() and
// train_model().
CrossValidation cross_validate(const Dataset& dataset, const Recipe& recipe, int folds,
                               uint64_t seed, ThreadPool& pool,
                               const CrossValidationHooks& hooks = {});

}  // namespace doppel
