#include "open_set.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"

namespace doppel::internal::app {
namespace {

std::string name_of(const Enrolment& enrolment) {
  return enrolment.shots == 1 ? "" : to_string(enrolment.fusion);
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

SearchedPhotos searched_photos(const Dataset& people, const Dataset& searched) {
  std::map<std::string, uint32_t> numbers;
  for (const Identity& identity : people.identities) {
    numbers.emplace(identity.name, static_cast<uint32_t>(numbers.size()));
  }
  const size_t known = numbers.size();
  size_t both = 0;
  std::vector<uint32_t> of_identity;
  for (const Identity& identity : searched.identities) {
    const auto next = static_cast<uint32_t>(numbers.size());
    const uint32_t number = numbers.emplace(identity.name, next).first->second;
    both += number < known ? 1 : 0;
    of_identity.push_back(number);
  }
  std::set<std::string> pictures(people.image_digests.begin(), people.image_digests.end());
  const auto known_too = std::ranges::count_if(
      searched.image_digests, [&](const std::string& digest) { return pictures.contains(digest); });
  if (known_too > 0) {
    throw Error(ErrorKind::mismatch,
                "--searched " + searched.source + ": other photos than those of " + people.source +
                    " were expected; " + plural(static_cast<size_t>(known_too), "picture") +
                    " would be searched for among themselves");
  }
  if (both == 0) {
    throw Error(ErrorKind::mismatch, "--searched " + searched.source + ": photos of people of " +
                                         people.source +
                                         ", with the same names, were expected; there are none");
  }
  SearchedPhotos photos{searched.source, {}, searched.identities.size() - both};
  for (const uint32_t identity : searched.identity_of) {
    photos.identity_of.push_back(of_identity[identity]);
  }
  return photos;
}

std::string searched_text(const SearchedPhotos& searched) {
  const bool one = searched.strangers == 1;
  return "All " + plural(searched.identity_of.size(), "photo") + " of " + searched.source +
         " are searched for; " + plural(searched.strangers, "person") + " of it who " +
         (one ? "is" : "are") + " not among the former " +
         (one ? "is a stranger" : "are strangers") + ", too";
}

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
                  trial.plan.enrolment.shots, name_of(trial.plan.enrolment).c_str(), trial.people,
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
                          {"fusion", to_string(enrolment.fusion)},
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

}  // namespace doppel::internal::app
