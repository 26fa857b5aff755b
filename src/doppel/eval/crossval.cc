#include "doppel/eval/crossval.h"

#include <chrono>
#include <cmath>

#include "doppel/base/error.h"
#include "doppel/data/folds.h"
#include "doppel/eval/baselines.h"
#include "doppel/train/train_model.h"

namespace doppel {
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

MeasureSummary summary_of(const std::vector<FoldResult>& folds,
                          UnseenMeasures FoldResult::*system) {
  std::vector<UnseenMeasures> measures;
  for (const FoldResult& fold : folds) measures.push_back(fold.*system);
  return summarise(measures);
}

}  // namespace

PeopleMeasures measure_people(const Matrix& embeddings, const Dataset& people) {
  return {measure_verification(score_pairs(embeddings, all_pairs(people))),
          one_shot(embeddings, people.identity_of)};
}

MeasureSummary summarise(std::span<const UnseenMeasures> folds) {
  MeasureSummary summary;
  const auto n = static_cast<double>(folds.size());
  for (const auto measure : kMeasures) {
    double sum = 0, squares = 0;
    for (const UnseenMeasures& fold : folds) sum += fold.*measure;
    const double mean = folds.empty() ? 0 : sum / n;
    for (const UnseenMeasures& fold : folds) {
      squares += (fold.*measure - mean) * (fold.*measure - mean);
    }
    summary.mean.*measure = mean;
    summary.spread.*measure = folds.size() < 2 ? 0 : std::sqrt(squares / (n - 1));
  }
  return summary;
}

CrossValidation cross_validate(const Dataset& dataset, const Recipe& recipe, int folds,
                               uint64_t seed, ThreadPool& pool, const CrossValidationHooks& hooks) {
  const std::vector<Fold> parts = contiguous_folds(dataset, folds);
  CrossValidation result;
  for (size_t f = 0; f < parts.size(); ++f) {
    check_disjoint(parts[f]);
    if (hooks.begin) hooks.begin(f, parts.size());
    const Dataset training = select_identities(dataset, parts[f].train);
    const Dataset test = select_identities(dataset, parts[f].test);
    const auto start = std::chrono::steady_clock::now();
    const TrainedModel trained = train_model(training, recipe, seed, pool, hooks.training);
    if (!trained.finished) return result;

    FoldResult fold;
    fold.train_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fold.collapsed = trained.collapsed;
    for (const Identity& identity : test.identities) fold.test_identities.push_back(identity.name);
    const PeopleMeasures network =
        measure_people(embed_images(trained.model, test.images, pool), test);
    fold.network = network.rates();
    fold.genuine = network.verification.genuine;
    fold.impostor = network.verification.impostor;
    fold.far_1pct_resolved = network.verification.far_1pct_resolved;
    fold.ways = network.one_shot.ways;
    const Matrix pixels = preprocess(test.images, trained.model.preprocessing);
    fold.pixels = measure_people(pixels, test).rates();
    const Pca pca = fit_pca(preprocess(training.images, trained.model.preprocessing));
    fold.pca = measure_people(project(pca, pixels), test).rates();
    if (hooks.end) hooks.end(f, fold);
    result.folds.push_back(std::move(fold));
  }
  result.finished = true;
  result.network = summary_of(result.folds, &FoldResult::network);
  result.pixels = summary_of(result.folds, &FoldResult::pixels);
  result.pca = summary_of(result.folds, &FoldResult::pca);
  return result;
}

}  // namespace doppel
