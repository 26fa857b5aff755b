#include "doppel/eval/crossval.h"

#include <chrono>
#include <cmath>
#include <functional>

#include "doppel/data/folds.h"
#include "doppel/error.h"
#include "doppel/eval/baselines.h"
#include "doppel/eval/distances.h"
#include "doppel/model/embedding.h"
#include "doppel/train/train_model.h"

namespace doppel::internal {
namespace {

constexpr double UnseenMeasures::*kMeasures[] = {&UnseenMeasures::eer, &UnseenMeasures::auc,
                                                 &UnseenMeasures::tar_at_far_1pct,
                                                 &UnseenMeasures::one_shot};

// The test must not know a training person: a defect here would make every figure worthless.
void check_disjoint(const Fold& fold) {
  for (size_t test : fold.test) {
    for (size_t train : fold.train) {
      if (test == train) {
        throw Error(ErrorKind::mismatch, "crossval: identity " + std::to_string(test) +
                                             " is in training and test at once");
      }
    }
  }
}

MeasureSummary summary_of(std::span<const FoldResult> folds, UnseenMeasures FoldResult::*system) {
  std::vector<UnseenMeasures> measures;
  for (const FoldResult& fold : folds) measures.push_back(fold.*system);
  return summarise(measures);
}

}  // namespace

PeopleMeasures measure_people(const Matrix& embeddings, const Dataset& people, const Energy& energy,
                              ThreadPool& pool) {
  const Distances distances = all_distances(embeddings, pool, energy);
  return {measure_verification(score_pairs(distances, people.identity_of)),
          one_shot(identify(people.identity_of, std::cref(distances), {}, pool))};
}

MeasureSummary summarise(std::span<const UnseenMeasures> results) {
  MeasureSummary summary;
  const auto n = static_cast<double>(results.size());
  for (const auto measure : kMeasures) {
    double sum = 0, squares = 0;
    for (const UnseenMeasures& result : results) sum += result.*measure;
    const double mean = results.empty() ? 0 : sum / n;
    for (const UnseenMeasures& result : results) {
      squares += (result.*measure - mean) * (result.*measure - mean);
    }
    summary.mean.*measure = mean;
    summary.spread.*measure = results.size() < 2 ? 0 : std::sqrt(squares / (n - 1));
  }
  return summary;
}

CrossValidation cross_validate(const Dataset& dataset, const Recipe& recipe,
                               const CrossValidationPlan& plan, ThreadPool& pool,
                               const CrossValidationHooks& hooks) {
  if (plan.seeds < 1) throw Error(ErrorKind::bad_argument, "crossval: at least one seed is needed");
  const std::vector<Fold> parts = contiguous_folds(dataset, plan.folds);
  for (const Fold& fold : parts) check_disjoint(fold);
  CrossValidation result;
  for (size_t run = 0; run < plan.seeds * parts.size(); ++run) {
    FoldResult fold;
    fold.fold = run % parts.size();
    fold.seed = plan.seed + run / parts.size();
    if (hooks.begin) hooks.begin(run, plan.seeds * parts.size());
    const Dataset training = select_identities(dataset, parts[fold.fold].train);
    Dataset test = select_identities(dataset, parts[fold.fold].test);
    const auto start = std::chrono::steady_clock::now();
    const TrainedModel trained = train_model(training, recipe, fold.seed, pool, hooks.training);
    if (!trained.finished) return result;

    fold.train_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fold.collapsed = trained.collapsed;
    for (const Identity& identity : test.identities) fold.test_identities.push_back(identity.name);
    const Model& model = trained.model;
    const PeopleMeasures network =
        measure_people(embed_images(model, test.images, pool), test, model.energy, pool);
    fold.network = network.rates();
    fold.genuine = network.verification.genuine;
    fold.impostor = network.verification.impostor;
    fold.far_1pct_resolved = network.verification.far_1pct_resolved;
    fold.ways = network.one_shot.ways;
    if (run < parts.size()) {
      const Matrix pixels = preprocess(test.images, model.preprocessing, pool);
      fold.pixels = measure_people(pixels, test, {}, pool).rates();
      const Pca pca = fit_pca(preprocess(training.images, model.preprocessing, pool));
      fold.pca = measure_people(project(pca, pixels), test, {}, pool).rates();
    } else {
      fold.pixels = result.folds[fold.fold].pixels;
      fold.pca = result.folds[fold.fold].pca;
    }
    if (hooks.end) hooks.end(fold);
    if (hooks.tested) hooks.tested(fold, model, std::move(test));
    result.folds.push_back(std::move(fold));
  }
  result.finished = true;
  const std::span<const FoldResult> all = result.folds;
  result.network = summary_of(all, &FoldResult::network);
  result.pixels = summary_of(all.first(parts.size()), &FoldResult::pixels);
  result.pca = summary_of(all.first(parts.size()), &FoldResult::pca);
  return result;
}

}  // namespace doppel::internal
