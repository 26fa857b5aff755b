// What it costs that a gallery draws its own line: at first, after each enrolment and removal, and
// in a search, beside plain searches of the same templates. After checking that a gallery that was
// changed decides as one that is made afresh; of one with a graph it is measured how far its line
// and its decisions are from those of the same people without.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/drawn_embeddings.h"
#include "bench/machine.h"
#include "doppel/error.h"
#include "doppel/gallery/people_index.h"

namespace doppel::internal {
namespace {

struct Options {
  size_t people = 10'000, dimension = 128, changes = 50, searches = 200, compared = 500;
  int threads = 2;
  bool graph = false, as_json = false;
};

Matrix row_of(const Matrix& rows, size_t i) {
  Matrix row(0, rows.columns);
  row.append(rows.row(i));
  return row;
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        pool_(options.threads),
        faces_(options.dimension, {}, 1),
        rows_(options.people + options.changes, options.dimension) {
    pool_.parallel_for(rows_.rows, [&](size_t i, size_t) {
      faces_.draw(static_cast<uint32_t>(i), 0, rows_.row(i));
    });
  }

  nlohmann::json run() {
    nlohmann::json result = {{"people", options_.people}, {"values", options_.dimension}};
    result.update(machine_facts(options_.threads));
    Clock::time_point start = Clock::now();
    PeopleIndex gallery = made(0, options_.graph ? IndexKind::graph : IndexKind::exact);
    result["made_s"] = seconds_since(start);
    start = Clock::now();
    gallery.draw_line(pool_);
    result["first_line_s"] = seconds_since(start);

    std::vector<double> enrolling, removing;
    for (size_t i = 0; i < options_.changes; ++i) {
      start = Clock::now();
      add(gallery, options_.people + i);
      gallery.draw_line(pool_);
      enrolling.push_back(seconds_since(start));
    }
    for (size_t i = 0; i < options_.changes; ++i) {
      start = Clock::now();
      gallery.remove(std::vector<int64_t>{static_cast<int64_t>(i)}, pool_);
      gallery.draw_line(pool_);
      removing.push_back(seconds_since(start));
    }
    verify(gallery, result);
    result["enrolment_s"] = median(enrolling);
    result["removal_s"] = median(removing);

    std::vector<double> plain, normalised, again;
    for (size_t i = 0; i < options_.searches; ++i) {
      const Matrix probe = photo(options_.people + options_.changes + i, 0);  // of a stranger
      gallery.search(row_of(rows_, options_.changes), 1, false, pool_);       // wakes the threads
      for (auto [seconds, with_scores] :
           {std::pair(&plain, false), std::pair(&normalised, true), std::pair(&again, true)}) {
        start = Clock::now();
        gallery.search(probe, 1, with_scores, pool_);
        seconds->push_back(seconds_since(start));
      }
    }
    result["plain_search_s"] = median(plain);
    result["new_search_s"] = median(normalised);  // lists of those who were found are made
    result["search_s"] = median(again);
    return result;
  }

 private:
  // Another photo of somebody, as a probe.
  Matrix photo(size_t person, uint16_t number) const {
    Matrix probe(1, options_.dimension);
    faces_.draw(static_cast<uint32_t>(person), number, probe.row(0));
    return probe;
  }
  PeopleIndex made(size_t first, IndexKind kind) {
    PeopleIndex gallery(TemplateIndex(options_.dimension, {}, kind));
    std::vector<int64_t> ids;
    Matrix templates(0, options_.dimension);
    for (size_t i = first; i < first + options_.people; ++i) {
      ids.push_back(static_cast<int64_t>(i));
      templates.append(rows_.row(i));
    }
    gallery.add(ids, ids, std::move(templates), pool_);
    return gallery;
  }
  void add(PeopleIndex& gallery, size_t i) {
    const std::vector<int64_t> id = {static_cast<int64_t>(i)};
    gallery.add(id, id, row_of(rows_, i), pool_);
  }
  // Against the same people, made afresh, all compared.
  void verify(PeopleIndex& gallery, nlohmann::json& result) {
    PeopleIndex afresh = made(options_.changes, IndexKind::exact);
    const double changed = gallery.draw_line(pool_)->threshold(0.01);
    const double wanted = afresh.draw_line(pool_)->threshold(0.01);
    Matrix probes(0, options_.dimension);  // half of them of the people, half of strangers
    for (size_t i = 0; i < options_.compared; ++i) {
      const size_t person = i % 2 == 0
                                ? options_.changes + i * (options_.people / options_.compared)
                                : rows_.rows + i;
      probes.append(photo(person, 1).row(0));
    }
    const auto by_changed = gallery.search(probes, 1, true, pool_);
    const auto by_afresh = afresh.search(probes, 1, true, pool_);
    size_t others = 0, known = 0;
    for (size_t i = 0; i < probes.rows; ++i) {
      const PersonMatch &one = by_changed[i].front(), &other = by_afresh[i].front();
      const bool accepted = one.score < changed, wanted_accepted = other.score < wanted;
      others += accepted != wanted_accepted || (accepted && one.person != other.person) ? 1 : 0;
      known += wanted_accepted ? 1 : 0;
    }
    result["line"] = wanted;
    result["line_off"] = changed - wanted;
    result["compared"] = probes.rows;
    result["accepted"] = known;
    result["decided_otherwise"] = others;
    if (options_.graph ? std::abs(changed - wanted) > 0.01 : changed != wanted || others != 0) {
      throw Error(ErrorKind::numeric, "the gallery that was changed draws its line at " +
                                          std::to_string(changed) + ", made afresh at " +
                                          std::to_string(wanted) + ", and decides " +
                                          std::to_string(others) + " probes otherwise");
    }
  }

  Options options_;
  ThreadPool pool_;
  DrawnEmbeddings faces_;
  Matrix rows_;
};

int run(int argc, char** argv) {
  CLI::App program("What a gallery's own line costs");
  Options options;
  program.add_option("--people", options.people)->capture_default_str();
  program.add_option("--dimension", options.dimension)->capture_default_str();
  program.add_option("--changes", options.changes, "Enrolments, and removals")
      ->capture_default_str();
  program.add_option("--threads", options.threads)->capture_default_str();
  program.add_option("--searches", options.searches, "That are timed")->capture_default_str();
  program.add_flag("--graph", options.graph, "Search along a graph");
  program.add_flag("--json", options.as_json);
  CLI11_PARSE(program, argc, argv);
  const nlohmann::json result = Bench(options).run();
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return 0;
  }
  print_machine(result);
  const auto milliseconds = [&](const char* name) { return 1e3 * result[name].get<double>(); };
  std::printf(
      "%zu people of %zu values: the first line %.0f ms; an enrolment %.2f ms, a removal "
      "%.2f ms, each with the line anew\n",
      options.people, options.dimension, milliseconds("first_line_s"), milliseconds("enrolment_s"),
      milliseconds("removal_s"));
  std::printf(
      "beside the same people made afresh and all compared: the line %+.4f from %.3f, %zu of %zu "
      "probes decided otherwise (%zu were accepted)\n",
      result["line_off"].get<double>(), result["line"].get<double>(),
      result["decided_otherwise"].get<size_t>(), result["compared"].get<size_t>(),
      result["accepted"].get<size_t>());
  std::printf(
      "a search %.3f ms by plain distances, %.3f ms by scores, %.3f ms where those who are "
      "near were not found before\n",
      milliseconds("plain_search_s"), milliseconds("search_s"), milliseconds("new_search_s"));
  return 0;
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  try {
    return doppel::internal::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "own_line_bench: %s\n", error.what());
    return 1;
  }
}
