#include "doppel/evaluation.h"

#include <utility>

#include "doppel/api/public_access.h"
#include "doppel/base/shared_pool.h"
#include "doppel/error.h"
#include "doppel/eval/crossval.h"
#include "doppel/eval/distances.h"
#include "doppel/eval/evaluation.h"
#include "doppel/gallery/open_set.h"
#include "doppel/model/embedding.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/pipeline/strangers.h"

namespace doppel {
namespace {

Estimate estimate(double value, const internal::Interval& interval) {
  return {value, interval.lower, interval.upper};
}

UnseenRates public_rates(const internal::UnseenMeasures& rates) {
  return {.eer = rates.eer,
          .auc = rates.auc,
          .tar_at_far_1pct = rates.tar_at_far_1pct,
          .one_shot = rates.one_shot};
}

CrossValidation::Summary public_summary(const internal::MeasureSummary& summary) {
  return {public_rates(summary.mean), public_rates(summary.spread)};
}

// People whom the model does not know, and their embeddings.
struct EmbeddedPeople {
  internal::Dataset people;
  internal::SeenOverlap seen;
  internal::Matrix embeddings;
};

EmbeddedPeople embedded(const Model& model, const Dataset& people, bool allow_seen,
                        const std::string& option, internal::ThreadPool& pool) {
  const internal::LoadedModel& loaded = internal::PublicAccess::of(model);
  EmbeddedPeople result;
  result.people = internal::PublicAccess::of(people).read(pool, internal::loaded_for(loaded.model));
  result.seen = internal::check_strangers(loaded.model, result.people, allow_seen, option);
  result.embeddings = loaded.embedder.embedder().embed(result.people.images, pool);
  return result;
}

[[noreturn]] void throw_cancelled(const char* what) {
  throw Error(ErrorKind::cancelled, std::string(what) + " was stopped");
}

}  // namespace

Evaluation evaluate(const Model& model, const Dataset& people, const EvaluateOptions& options) {
  const auto pool = internal::shared_pool();
  const EmbeddedPeople measured =
      embedded(model, people, options.allow_seen, "EvaluateOptions::allow_seen", *pool);
  const internal::Model& known = internal::PublicAccess::of(model).model;
  std::vector<std::string> names;
  for (const internal::Identity& identity : measured.people.identities) {
    names.push_back(identity.name);
  }
  internal::EvaluationSettings settings;
  if (known.threshold) settings.threshold = known.threshold->value;
  settings.bootstrap.stop = options.stop;
  settings.bootstrap.check_stop();
  const internal::Distances distances =
      internal::all_distances(measured.embeddings, *pool, known.energy);
  const internal::Evaluation found =
      internal::evaluate(distances, measured.people.identity_of, names, settings, *pool);
  const internal::Verification& verification = found.verification;
  Evaluation result;
  result.people = names.size();
  result.photos = measured.people.images.size();
  result.genuine_pairs = verification.genuine;
  result.impostor_pairs = verification.impostor;
  result.eer = estimate(verification.eer, found.intervals.eer);
  result.eer_threshold = verification.eer_threshold;
  result.auc = estimate(verification.auc, found.intervals.auc);
  static_assert(internal::kFarLevels[1] == 1e-2);
  result.tar_at_far_1pct = estimate(verification.tar_at_far[1].tar, found.intervals.tar_at_far[1]);
  result.far_1pct_resolved = verification.far_1pct_resolved;
  if (found.calibrated) {
    result.at_threshold = {.threshold = found.threshold,
                           .far = static_cast<double>(found.counts.false_accepts) /
                                  static_cast<double>(verification.impostor),
                           .tar = found.counts.recall(),
                           .accuracy = found.counts.accuracy()};
  }
  result.rank_1 = estimate(found.identification.rate_at_rank.front(), found.one_shot);
  result.fnir_at_fpir_1pct = found.open_set_at_fpir_1pct.fnir;
  result.fpir_1pct_resolved = found.open_set_at_fpir_1pct.resolved;
  result.seen_people = measured.seen.identities;
  return result;
}

CrossValidation cross_validate(const Dataset& people, const Recipe& recipe,
                               const CrossValidateOptions& options) {
  const auto pool = internal::shared_pool();
  internal::Recipe settings = internal::PublicAccess::of(recipe);
  const internal::Dataset everybody =
      internal::PublicAccess::of(people).read_for_training(settings, *pool, options.note);
  CrossValidationProgress progress;
  internal::CrossValidationHooks hooks;
  hooks.begin = [&](size_t done, size_t all) {
    progress.training = done;
    progress.trainings = all;
  };
  hooks.training.stop = [&] { return options.stop.stop_requested(); };
  if (options.progress) {
    hooks.training.batch = [&](const internal::BatchReport& report) {
      progress.done = (static_cast<double>(progress.training) + report.done()) /
                      static_cast<double>(progress.trainings);
      progress.loss = report.loss;
      options.progress(progress);
    };
  }
  const internal::CrossValidation found = internal::cross_validate(
      everybody, settings, {.folds = options.folds, .seed = options.seed, .seeds = options.seeds},
      *pool, hooks);
  if (!found.finished) throw_cancelled("the cross-validation");
  CrossValidation result;
  for (const internal::FoldResult& fold : found.folds) {
    if (options.note && fold.collapsed) {
      options.note("in fold " + std::to_string(fold.fold + 1) + " with seed " +
                   std::to_string(fold.seed) +
                   " the embedding collapsed: it tells nobody apart; a smaller learning rate "
                   "(optimizer.rate) helps");
    }
    result.folds.push_back({.fold = fold.fold,
                            .seed = fold.seed,
                            .people = fold.test_identities,
                            .model = public_rates(fold.network)});
  }
  result.model = public_summary(found.network);
  result.nearest_pixels = public_summary(found.pixels);
  result.eigenfaces = public_summary(found.pca);
  return result;
}

OpenSet open_set(const Model& model, const Dataset& people, const OpenSetOptions& options) {
  if (options.fpir) {
    if (const auto fault = internal::rate_fault(*options.fpir)) {
      throw Error(ErrorKind::bad_argument, "fpir " + *fault);
    }
  }
  for (const auto& [name, number] : {std::pair("photos", options.photos),
                                     {"people", options.people.value_or(1)},
                                     {"draws", options.draws},
                                     {"visit", options.visit}}) {
    if (number >= 1) continue;
    throw Error(ErrorKind::bad_argument, std::string(name) + ": at least 1 was expected, not 0");
  }
  const auto pool = internal::shared_pool();
  const EmbeddedPeople measured =
      embedded(model, people, options.allow_seen, "OpenSetOptions::allow_seen", *pool);
  const internal::Model& known = internal::PublicAccess::of(model).model;
  internal::GallerySettings settings;
  settings.energy = known.energy;
  settings.threshold = known.threshold;
  settings.fpir = options.fpir.value_or(known.threshold ? known.threshold->far : settings.fpir);
  internal::OpenSetPlan plan;
  plan.enrolment.shots = options.photos;
  plan.people = options.people;
  plan.draws = options.draws;
  plan.seed = options.seed;
  plan.visit = options.visit;
  const internal::OpenSetTrial trial = internal::try_open_set(
      measured.embeddings, measured.people.identity_of, settings, plan, *pool, [&](size_t draw) {
        if (options.stop.stop_requested()) throw_cancelled("the measurement");
        if (options.progress) {
          options.progress(static_cast<double>(draw) / static_cast<double>(options.draws));
        }
      });
  for (const internal::OpenSetDraw& draw : trial.draws) internal::check_decides(draw.rule);
  if (options.progress) options.progress(1);
  OpenSet result;
  result.people = trial.people;
  result.draws = trial.draws.size();
  const auto fpir = [](const internal::OpenSetDraw& draw) { return draw.decided.fpir; };
  result.fpir = trial.mean(fpir);
  result.fpir_of_nine_in_ten = trial.quantile(fpir, 0.9);
  result.fnir = trial.mean([](const internal::OpenSetDraw& draw) { return draw.decided.fnir; });
  result.rank_1 = trial.mean([](const internal::OpenSetDraw& draw) { return draw.rank_1; });
  result.seen_people = measured.seen.identities;
  return result;
}

}  // namespace doppel
