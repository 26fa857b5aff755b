#include "open_set.h"

#include <cmath>
#include <cstdio>

#include "doppel/base/error.h"
#include "doppel/gallery/answer_json.h"
#include "gallery_access.h"

namespace doppel::app {
namespace {

const char* name_of(const Enrolment& enrolment) {
  return enrolment.shots == 1 ? "" : enrolment.fusion == Fusion::mean ? "mean" : "nearest";
}

}  // namespace

std::vector<OpenSetRow> measure_open_set(std::span<const uint32_t> identity_of,
                                         const ImageDistance& distance, const Threshold& threshold,
                                         ThreadPool& pool) {
  std::vector<OpenSetRow> rows;
  for (const Enrolment& enrolment :
       {Enrolment{1, Fusion::nearest}, Enrolment{2, Fusion::nearest}, Enrolment{2, Fusion::mean},
        Enrolment{5, Fusion::nearest}, Enrolment{5, Fusion::mean}}) {
    OpenSetRow row;
    row.enrolment = enrolment;
    OpenSet searches;
    try {
      searches = search_open_set(identity_of, distance, enrolment, pool);
    } catch (const Error&) {
      if (enrolment.shots == 1) throw;
      continue;  // nobody has so many photos and one more
    }
    row.people = searches.people;
    row.mated = searches.mated.size();
    row.strangers = searches.stranger.size();
    GallerySettings settings;
    settings.threshold = threshold;
    settings.fpir = threshold.far;
    const size_t of_each = enrolment.fusion == Fusion::mean ? 1 : enrolment.shots;
    row.rule = decision_rule(settings, of_each * row.people);
    row.decided = open_set_at(searches, row.rule.threshold);
    row.best = open_set_at_fpir(searches, settings.fpir);
    for (const double own : searches.mated) {
      row.rank_1 += std::isfinite(own) ? 1.0 / static_cast<double>(row.mated) : 0;
    }
    rows.push_back(row);
  }
  return rows;
}

std::string open_set_table(const std::vector<OpenSetRow>& rows) {
  std::string table =
      "photos each      people  rank 1   wanted FPIR, 95 % interval   FPIR     FNIR   at that "
      "FPIR: "
      "FNIR\n";
  for (const OpenSetRow& row : rows) {
    char line[200];
    std::snprintf(line, sizeof line,
                  "  %zu %-8s %10zu %6.1f %%   %5.2g %%, %6.2g to %6.2g %%%s   %5.2f %% %6.1f %%   "
                  "%14.1f %%%s\n",
                  row.enrolment.shots, name_of(row.enrolment), row.people, 100 * row.rank_1,
                  100 * row.rule.fpir.value_or(0), 100 * row.rule.fpir_lower,
                  100 * row.rule.fpir_upper, row.rule.extrapolated ? "*" : " ",
                  100 * row.decided.fpir, 100 * row.decided.fnir, 100 * row.best.fnir,
                  row.best.resolved ? "" : " (too few strangers to tell)");
    table += line;
  }
  return table + "* extrapolated: rarer than the calibration's pairs can show\n";
}

nlohmann::json to_json(const std::vector<OpenSetRow>& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const OpenSetRow& row : rows) {
    list.push_back({{"photos", row.enrolment.shots},
                    {"fusion", row.enrolment.fusion == Fusion::mean ? "mean" : "nearest"},
                    {"people", row.people},
                    {"mated_searches", row.mated},
                    {"stranger_searches", row.strangers},
                    {"rank_1", row.rank_1},
                    {"rule", to_json(row.rule)},
                    {"fpir", row.decided.fpir},
                    {"fnir", row.decided.fnir},
                    {"at_wanted_fpir",
                     {{"threshold", row.best.threshold},
                      {"fnir", row.best.fnir},
                      {"resolved", row.best.resolved}}}});
  }
  return list;
}

}  // namespace doppel::app
