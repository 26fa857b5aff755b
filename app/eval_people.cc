#include "eval.h"

#include <algorithm>
#include <cstdio>

#include "doppel/eval/crossval.h"
#include "doppel/eval/evaluation.h"
#include "measures.h"

namespace doppel::internal::app {

using nlohmann::json;

namespace {

void print_evaluation(const EvalSubject& subject, const Evaluation& e,
                      const std::optional<PeopleMeasures>& pixels) {
  const Verification& v = e.verification;
  std::printf("Data: %s: %zu identities, %zu images; %zu genuine and %zu impostor pairs\n\n",
              subject.people.source.c_str(), subject.people.identities.size(),
              subject.people.images.size(), v.genuine, v.impostor);
  const auto row = [](const std::string& name, const std::string& value, const Interval* interval,
                      const std::string& remark = "") {
    char text[200];
    std::snprintf(text, sizeof text, "  %-24s %9s   %-18s  %s", name.c_str(), value.c_str(),
                  interval != nullptr ? percent(*interval).c_str() : "", remark.c_str());
    std::string line = text;
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  };
  const auto number = [](const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return std::string(text);
  };
  std::printf("Verification                             95 %% interval\n");
  row("EER", percent(v.eer), &e.intervals.eer, "at distance " + number("%.4f", v.eer_threshold));
  row("ROC AUC", number("%.4f", v.auc), nullptr,
      number("%.4f to ", e.intervals.auc.lower) + number("%.4f", e.intervals.auc.upper));
  for (size_t i = 0; i < kFarLevels.size(); ++i) {
    row("TAR @ " + number("%g", 100 * kFarLevels[i]) + " % FAR", percent(v.tar_at_far[i].tar),
        &e.intervals.tar_at_far[i],
        v.tar_at_far[i].resolved ? "" : "not resolved: too few impostor pairs");
  }
  row("d-prime", v.d_prime ? number("%.2f", *v.d_prime) : "none", nullptr);
  row("best accuracy", percent(v.best_accuracy.accuracy), nullptr,
      "at distance " + number("%.4f", v.best_accuracy.threshold) + ", chosen on these pairs");
  if (e.calibrated) {
    row("calibrated accuracy", percent(e.counts.accuracy()), nullptr,
        "at the model's threshold, " + number("%.4f", e.threshold));
    row("  FAR there",
        percent(static_cast<double>(e.counts.false_accepts) / static_cast<double>(v.impostor)),
        nullptr, "chosen for " + number("%g %%", 100 * subject.model->threshold->far));
    row("  TAR there", percent(e.counts.recall()), nullptr);
  } else {
    row("calibrated accuracy", "none", nullptr, "there is no threshold that others chose");
  }
  std::printf("\nIdentification among %zu people, one image known of each\n",
              e.identification.ways);
  row("rank 1 (one-shot)", percent(e.identification.rate_at_rank.front()), &e.one_shot);
  for (size_t rank = 2; rank <= std::min<size_t>(5, e.identification.rate_at_rank.size()); ++rank) {
    row("rank " + std::to_string(rank), percent(e.identification.rate_at_rank[rank - 1]), nullptr);
  }
  for (const ShotRate& rate : e.k_shot) {
    if (rate.shots > 1) {
      row(std::to_string(rate.shots) + " images known", percent(rate.accuracy), nullptr);
    }
  }
  std::printf("\nOpen set: half of the people known, the others are strangers\n");
  row("FNIR @ 1 % FPIR", percent(e.open_set_at_fpir_1pct.fnir), nullptr,
      e.open_set_at_fpir_1pct.resolved ? "" : "not resolved: too few strangers");
  row("FPIR at the threshold", percent(e.open_set_at_threshold.fpir), nullptr,
      "FNIR " + percent(e.open_set_at_threshold.fnir));
  if (pixels) {
    std::printf("\nNearest pixels: EER %s, TAR @ 1 %% FAR %s, one-shot %s\n",
                percent(pixels->verification.eer).c_str(),
                percent(pixels->verification.tar_at_far_1pct).c_str(),
                percent(pixels->one_shot.accuracy).c_str());
  }
  if (v.collapsed) std::printf("The embedding collapsed: all distances are alike.\n");
  print_marks(subject);
}

}  // namespace

void evaluate_people(const EvalOptions& options, const EvalSubject& subject, ThreadPool& pool) {
  std::vector<std::string> names;
  for (const Identity& identity : subject.people.identities) names.push_back(identity.name);
  const Distances distances = all_distances(subject.embeddings, pool, subject.energy);
  EvaluationSettings settings;
  settings.threshold = subject.threshold;
  const Evaluation evaluation =
      evaluate(distances, subject.people.identity_of, names, settings, pool);
  if (!options.write_pairs.empty() || !options.distances.empty()) {
    const std::vector<std::vector<Pair>> folds = {all_pairs(subject.people)};
    write_scored_pairs(options, subject, folds, distances.values);
  }
  std::optional<PeopleMeasures> pixels;
  if (subject.model) {
    pixels = measure_people(preprocess(subject.people.images, subject.model->preprocessing, pool),
                            subject.people, {}, pool);
  }
  if (!options.as_json) {
    print_evaluation(subject, evaluation, pixels);
    return;
  }
  json document = to_json(evaluation);
  document.update(to_json(subject));
  if (pixels) {
    document["baselines"] = {{"pixels",
                              {{"eer", pixels->verification.eer},
                               {"auc", pixels->verification.auc},
                               {"tar_at_far_1pct", pixels->verification.tar_at_far_1pct},
                               {"one_shot", pixels->one_shot.accuracy}}}};
  }
  print_json(document);
}

}  // namespace doppel::internal::app
