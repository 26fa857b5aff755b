// One honest act: some people are kept from a training, the others are trained on, the threshold is
// chosen on those who were kept, and the model remembers everybody.
#pragma once

#include <cstdint>
#include <optional>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/eval/calibration.h"
#include "doppel/train/recipe.h"
#include "doppel/train/train_model.h"

namespace doppel::internal {

// The people to train on, and those kept from it to choose the threshold on.
struct TrainingParts {
  Dataset training;
  std::optional<Dataset> held_out;  // none where `share` is 0 or there are too few people
  double share = 0;                 // that was to be held out
  SeenPeople everybody;
};

// `share` of the people are held out, as held_out_identities() has it; where it is not given a
// fifth of them, but nobody where the recipe trains on pairs, which keeps pairs for a test of its
// own. Throws as held_out_identities() does.
TrainingParts hold_out(const Dataset& people, const Recipe& recipe, std::optional<double> share,
                       uint64_t seed);

struct CalibratedModel {
  TrainedModel trained;  // with its threshold
  // On those who were held out; none where nobody was, or the training was stopped.
  std::optional<Calibration> calibration;
  double train_seconds = 0;  // without choosing the threshold
};

// Throws as train_model() and calibrate() do.
CalibratedModel train_calibrated(const TrainingParts& parts, const Recipe& recipe, uint64_t seed,
                                 double far, ThreadPool& pool, const TrainingHooks& hooks = {},
                                 const CheckpointPlace& checkpoint = {});

}  // namespace doppel::internal
