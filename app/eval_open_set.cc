#include "eval.h"

#include <cstdio>

#include "decision_text.h"
#include "doppel/base/words.h"
#include "measures.h"
#include "progress.h"

namespace doppel::internal::app {

using nlohmann::json;

void evaluate_open_set(const EvalOptions& options, const EvalSubject& subject, ThreadPool& pool) {
  GallerySettings settings;
  settings.energy = subject.energy;
  if (subject.model) settings.threshold = subject.model->threshold;
  settings.fpir = options.fpir.value_or(settings.threshold ? settings.threshold->far : 0.01);
  OpenSetPlan plan = options.plan;
  std::vector<uint32_t> identity_of = subject.people.identity_of;
  if (subject.searched) {
    const std::vector<uint32_t>& searched = subject.searched->identity_of;
    plan.searched_from = identity_of.size();
    identity_of.insert(identity_of.end(), searched.begin(), searched.end());
  }
  Progress progress;
  const std::vector<OpenSetTrial> trials = measure_open_set(
      subject.embeddings, identity_of, settings, plan, pool,
      [&](const Enrolment& enrolment, size_t draw) {
        progress.show("Searching, " + plural(enrolment.shots, "photo") + " each", draw,
                      options.plan.draws, "draw",
                      static_cast<double>(draw) / static_cast<double>(options.plan.draws));
      });
  progress.clear();
  if (options.as_json) {
    json document = to_json(subject);
    document["open_set"] = to_json(trials);
    if (subject.searched) {
      document["searched"] = {{"source", subject.searched->source},
                              {"images", subject.searched->identity_of.size()}};
    }
    print_json(document);
    return;
  }
  std::printf("%s: of %s some are enrolled, the others are strangers, mean of %s\n",
              subject.people.source.c_str(),
              plural(subject.people.identities.size(), "person").c_str(),
              plural(options.plan.draws, "draw").c_str());
  if (subject.searched) std::printf("%s\n", searched_text(*subject.searched).c_str());
  if (options.plan.visit > 1) {
    std::printf("A search is a visit of %s, decided once by their mean embedding\n",
                plural(options.plan.visit, "photo").c_str());
  }
  std::printf("Deciding, of the first: %s.\n\n%s",
              decision_text(trials.front().draws.front().rule).c_str(),
              open_set_table(trials, settings.fpir).c_str());
  print_marks(subject);
}

}  // namespace doppel::internal::app
