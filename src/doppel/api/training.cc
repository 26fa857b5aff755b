#include "doppel/training.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "doppel/api/public_access.h"
#include "doppel/base/shared_pool.h"
#include "doppel/error.h"
#include "doppel/eval/calibration.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/pipeline/calibrated_training.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/pipeline/strangers.h"

namespace doppel {
namespace {

void check_far(double far) {
  if (const auto fault = internal::rate_fault(far)) {
    throw Error(ErrorKind::bad_argument, "far " + *fault);
  }
}

// Before work is done that it could not keep.
void check_checkpoint(const TrainOptions& options) {
  if (options.checkpoint.empty()) {
    if (!options.resume) return;
    throw Error(ErrorKind::bad_argument, "resume: a checkpoint to go on from was expected");
  }
  const std::string name = options.checkpoint.string();
  std::error_code ignored;
  if (options.resume && !std::filesystem::exists(options.checkpoint, ignored)) {
    throw Error(ErrorKind::io, name + ": there is no checkpoint to go on from");
  }
  const std::filesystem::path folder = options.checkpoint.parent_path();
  const std::string place = folder.empty() ? "." : folder.string();
  if (!std::filesystem::is_directory(place, ignored) || ::access(place.c_str(), W_OK) != 0) {
    throw Error(ErrorKind::io, name + ": a checkpoint cannot be written there: " + place +
                                   " is no folder that this user may write to");
  }
}

}  // namespace

Recipe::Recipe(std::shared_ptr<const internal::Recipe> recipe) : recipe_(std::move(recipe)) {}

Recipe Recipe::named(const std::string& name_or_file, std::span<const std::string> changes) {
  internal::Recipe found = internal::find_recipe(name_or_file, changes);
  found.check();
  return Recipe(std::make_shared<const internal::Recipe>(std::move(found)));
}

std::vector<std::string> Recipe::names() { return internal::recipe_names(); }

const std::string& Recipe::name() const { return recipe_->name; }

Model train(const Dataset& people, const Recipe& recipe, const TrainOptions& options) {
  check_far(options.far);
  check_checkpoint(options);
  const auto pool = internal::shared_pool();
  internal::Recipe settings = internal::PublicAccess::of(recipe);
  internal::TrainingParts parts;
  {
    const internal::Dataset everybody =
        internal::PublicAccess::of(people).read_for_training(settings, *pool, options.note);
    parts = internal::hold_out(everybody, settings, options.holdout, options.seed);
  }
  const auto say = [&](const std::string& sentence) {
    if (options.note) options.note(sentence);
  };
  if (!parts.held_out && parts.share > 0) {
    say("fewer than 15 people are too few to keep some for the threshold: the model gets none");
  }
  internal::TrainingHooks hooks;
  hooks.stop = [&] { return options.stop.stop_requested(); };
  if (options.progress) {
    hooks.batch = [&](const internal::BatchReport& report) {
      options.progress({.network = report.member,
                        .networks = report.members,
                        .done = report.done(),
                        .loss = report.loss});
    };
  }
  internal::CalibratedModel made =
      internal::train_calibrated(parts, settings, options.seed, options.far, *pool, hooks,
                                 {options.checkpoint, options.resume, ""});
  if (!made.trained.finished) {
    throw Error(ErrorKind::cancelled,
                "the training was stopped" +
                    (options.checkpoint.empty()
                         ? std::string()
                         : "; " + options.checkpoint.string() + " holds what was trained"));
  }
  if (made.calibration && !made.calibration->resolved) {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.2g", 100 * made.calibration->threshold.far);
    say("so few people cannot tell so rare a false accept rate: the threshold is for " +
        std::string(rate) + " %");
  }
  if (made.trained.collapsed) {
    say("the embedding collapsed: all distances are alike, it tells nobody apart; a smaller "
        "learning rate (optimizer.rate) or another seed helps");
  }
  return internal::PublicAccess::model(std::move(made.trained.model));
}

Model calibrated(const Model& model, const Dataset& strangers, const CalibrateOptions& options) {
  check_far(options.far);
  const auto pool = internal::shared_pool();
  internal::Model copy = internal::PublicAccess::of(model).model;
  const internal::Dataset people =
      internal::PublicAccess::of(strangers).read(*pool, internal::loaded_for(copy));
  const internal::SeenOverlap seen = internal::check_namesakes(
      copy, people, options.allow_namesakes, "CalibrateOptions::allow_namesakes");
  copy.threshold = internal::calibrate(copy, people, options.far, *pool).threshold;
  copy.threshold->namesakes = !seen.empty();
  // Who chose the threshold is no stranger to it.
  copy.training.seen = internal::joined(copy.training.seen, internal::remember(people));
  return internal::PublicAccess::model(std::move(copy));
}

}  // namespace doppel
