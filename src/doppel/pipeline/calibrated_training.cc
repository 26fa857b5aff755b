#include "doppel/pipeline/calibrated_training.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace doppel::internal {

TrainingParts hold_out(const Dataset& people, const Recipe& recipe, std::optional<double> share,
                       uint64_t seed) {
  constexpr double kUsualShare = 0.2;
  TrainingParts parts;
  parts.share = share.value_or(recipe.pairs ? 0 : kUsualShare);
  const std::vector<size_t> held = held_out_identities(people, parts.share, seed);
  if (held.empty()) {
    parts.training = people;
  } else {
    std::vector<size_t> others;
    for (size_t i = 0; i < people.identities.size(); ++i) {
      if (!std::ranges::binary_search(held, i)) others.push_back(i);
    }
    parts.training = select_identities(people, others);
    parts.held_out = select_identities(people, held);
  }
  parts.everybody = remember(people);
  return parts;
}

CalibratedModel train_calibrated(const TrainingParts& parts, const Recipe& recipe, uint64_t seed,
                                 double far, ThreadPool& pool, const TrainingHooks& hooks,
                                 const CheckpointPlace& checkpoint) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  CalibratedModel result;
  result.trained = train_model(parts.training, recipe, seed, pool, hooks, checkpoint);
  result.train_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!result.trained.finished || !parts.held_out) return result;
  Model& model = result.trained.model;
  result.calibration = calibrate(model, *parts.held_out, far, pool);
  model.threshold = result.calibration->threshold;
  model.training.seen = parts.everybody;  // who chose the threshold is no stranger
  return result;
}

}  // namespace doppel::internal
