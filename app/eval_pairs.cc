#include "eval.h"

#include <cstdio>

#include "doppel/eval/distances.h"
#include "doppel/eval/verification.h"
#include "measures.h"

namespace doppel::internal::app {

using nlohmann::json;

void evaluate_pairs(const EvalOptions& options, const EvalSubject& subject, const PairList& list,
                    ThreadPool& pool) {
  const std::vector<std::vector<Pair>> folds = resolve(list, subject.people);
  std::vector<ScoredPairs> scored;
  ScoredPairs all;
  for (const std::vector<Pair>& fold : folds) {
    scored.push_back(score_pairs(subject.embeddings, fold, subject.energy, pool));
    all.distance.insert(all.distance.end(), scored.back().distance.begin(),
                        scored.back().distance.end());
    all.genuine.insert(all.genuine.end(), scored.back().genuine.begin(),
                       scored.back().genuine.end());
  }
  const Verification v = measure_verification(all);
  std::optional<FoldedAccuracy> folded;
  if (folds.size() > 1) folded = folded_accuracy(scored);
  std::optional<double> calibrated;
  if (subject.threshold) calibrated = at_threshold(all, *subject.threshold).accuracy();
  write_scored_pairs(options, subject, folds, all.distance);
  const double accuracy = folded ? folded->mean : v.best_accuracy.accuracy;
  if (options.as_json) {
    json document = to_json(subject);
    document["pair_list"] = options.pairs;
    document["pairs"] = v.genuine + v.impostor;
    document["accuracy"] = accuracy;
    document["best_accuracy"] = {{"accuracy", v.best_accuracy.accuracy},
                                 {"threshold", v.best_accuracy.threshold}};
    document["calibrated_accuracy"] = to_json(calibrated);
    document["auc"] = v.auc;
    document["eer"] = v.eer;
    if (folded) {
      document["folds"] = folded->folds;
      document["standard_error"] = folded->standard_error;
    }
    print_json(document);
    return;
  }
  std::printf("%s of %s: %zu genuine and %zu impostor pairs\n", options.pairs.c_str(),
              subject.people.source.c_str(), v.genuine, v.impostor);
  if (folded) {
    std::printf(
        "  accuracy             %8s  +- %.2f %% standard error over %zu folds, each at the\n"
        "                                 threshold that is best on the others\n",
        percent(accuracy).c_str(), 100 * folded->standard_error, folded->folds.size());
  } else {
    std::printf("  accuracy             %8s  at the threshold that is best on these pairs, %.4f\n",
                percent(accuracy).c_str(), v.best_accuracy.threshold);
  }
  if (calibrated) {
    std::printf("  calibrated accuracy  %8s  at the model's threshold, %.4f\n",
                percent(*calibrated).c_str(), *subject.threshold);
  }
  std::printf("  EER                  %8s\n  ROC AUC              %8.4f\n", percent(v.eer).c_str(),
              v.auc);
  print_marks(subject);
}

}  // namespace doppel::internal::app
