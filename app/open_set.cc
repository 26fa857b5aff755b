#include "open_set.h"

#include <cstdio>

#include "doppel/base/error.h"
#include "doppel/gallery/answer_json.h"

namespace doppel::app {
namespace {

const char* name_of(const Enrolment& enrolment) {
  return enrolment.shots == 1 ? "" : enrolment.fusion == Fusion::mean ? "mean" : "nearest";
}

double decided_fpir(const OpenSetDraw& draw) { return draw.decided.fpir; }
double decided_fnir(const OpenSetDraw& draw) { return draw.decided.fnir; }
double best_fnir(const OpenSetDraw& draw) { return draw.best.fnir; }
double plain_fnir(const OpenSetDraw& draw) { return draw.plain.fnir; }
double rank_1(const OpenSetDraw& draw) { return draw.rank_1; }
double any_fpir(const OpenSetDraw& draw) { return draw.any_fpir; }
double any_fnir(const OpenSetDraw& draw) { return draw.any_fnir; }
double in_interval(const OpenSetDraw& draw) {
  return draw.decided.fpir >= draw.rule.fpir_lower && draw.decided.fpir <= draw.rule.fpir_upper;
}

nlohmann::json spread(const OpenSetTrial& trial, double (*value)(const OpenSetDraw&)) {
  return {{"mean", trial.mean(value)},
          {"quantile_10", trial.quantile(value, 0.1)},
          {"quantile_90", trial.quantile(value, 0.9)}};
}

}  // namespace

std::vector<OpenSetTrial> measure_open_set(
    const Matrix& embeddings, std::span<const uint32_t> identity_of,
    const GallerySettings& settings, const OpenSetPlan& plan, ThreadPool& pool,
    const std::function<void(const Enrolment& enrolment, size_t draw)>& progress) {
  std::vector<OpenSetTrial> trials;
  for (const Enrolment& enrolment :
       {Enrolment{1, Fusion::nearest}, Enrolment{2, Fusion::nearest}, Enrolment{2, Fusion::mean},
        Enrolment{5, Fusion::nearest}, Enrolment{5, Fusion::mean}}) {
    OpenSetPlan of_row = plan;
    of_row.enrolment = enrolment;
    try {
      trials.push_back(try_open_set(embeddings, identity_of, settings, of_row, pool,
                                    [&](size_t draw) { progress(enrolment, draw); }));
    } catch (const Error& error) {
      const bool too_few =
          error.kind() == ErrorKind::bad_data || error.kind() == ErrorKind::bad_argument;
      if (enrolment.shots == 1 || !too_few) throw;
    }
  }
  return trials;
}

std::string open_set_table(const std::vector<OpenSetTrial>& trials, double fpir) {
  char line[240];
  std::snprintf(
      line, sizeof line,
      "                                                               at an FPIR of %.3g %%\n"
      "photos each      people  rank 1   FPIR (nine draws in ten)   FNIR     FNIR   plain "
      "distances\n",
      100 * fpir);
  std::string table = line;
  for (const OpenSetTrial& trial : trials) {
    std::snprintf(line, sizeof line,
                  "  %zu %-8s %10zu %6.1f %%  %5.2f %% (below %5.2f %%)  %6.1f %%  %6.1f %%  %6.1f "
                  "%%%s\n",
                  trial.plan.enrolment.shots, name_of(trial.plan.enrolment), trial.people,
                  100 * trial.mean(rank_1), 100 * trial.mean(decided_fpir),
                  100 * trial.quantile(decided_fpir, 0.9), 100 * trial.mean(decided_fnir),
                  100 * trial.mean(best_fnir), 100 * trial.mean(plain_fnir),
                  trial.draws.front().best.resolved ? "" : "  (too few strangers to tell)");
    table += line;
    if (trial.plan.visit == 1) continue;
    std::snprintf(line, sizeof line,
                  "  each photo of the visit by itself:  %5.2f %%                   %6.1f %%\n",
                  100 * trial.mean(any_fpir), 100 * trial.mean(any_fnir));
    table += line;
  }
  return table;
}

nlohmann::json to_json(const std::vector<OpenSetTrial>& trials) {
  nlohmann::json list = nlohmann::json::array();
  for (const OpenSetTrial& trial : trials) {
    const Enrolment& enrolment = trial.plan.enrolment;
    nlohmann::json row = {{"photos", enrolment.shots},
                          {"fusion", enrolment.fusion == Fusion::mean ? "mean" : "nearest"},
                          {"people", trial.people},
                          {"draws", trial.draws.size()},
                          {"seed", trial.plan.seed},
                          {"mated_searches", trial.mated},
                          {"stranger_searches", trial.strangers},
                          {"rank_1", trial.mean(rank_1)},
                          {"rule", to_json(trial.draws.front().rule)},
                          {"fpir", spread(trial, decided_fpir)},
                          {"fnir", spread(trial, decided_fnir)},
                          {"draws_in_interval", trial.mean(in_interval)},
                          {"at_wanted_fpir",
                           {{"fnir", spread(trial, best_fnir)},
                            {"fnir_of_plain_distances", spread(trial, plain_fnir)},
                            {"resolved", trial.draws.front().best.resolved}}}};
    if (trial.plan.visit > 1) {
      row["visit"] = {{"photos", trial.plan.visit},
                      {"fpir_of_each_photo", spread(trial, any_fpir)},
                      {"fnir_of_each_photo", spread(trial, any_fnir)}};
    }
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace doppel::app
