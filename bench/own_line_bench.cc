// What it costs that a gallery draws its own line: at first, after each enrolment and removal, and
// in a search, beside plain searches of the same templates. After checking that a gallery that was
// changed decides as one that is made afresh.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/machine.h"
#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/gallery/people_index.h"

namespace doppel {
namespace {

struct Options {
  size_t people = 10'000, dimension = 128, changes = 50, searches = 200;
  int threads = 2;
  bool graph = false, as_json = false;
};

// Unit rows, in groups that are a little alike.
Matrix people_of(size_t n, size_t dimension, uint64_t seed) {
  Random random(seed, Purpose::sample);
  Matrix rows(n, dimension), groups(100, dimension);
  for (float& value : groups.values) value = static_cast<float>(random.normal());
  for (size_t i = 0; i < n; ++i) {
    double squares = 0;
    for (size_t k = 0; k < dimension; ++k) {
      float& value = rows.row(i)[k];
      value = static_cast<float>(random.normal()) + 0.5f * groups.row(i % groups.rows)[k];
      squares += double{value} * double{value};
    }
    for (float& value : rows.row(i)) value /= static_cast<float>(std::sqrt(squares));
  }
  return rows;
}

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
        rows_(people_of(options.people + options.changes, options.dimension, 1)) {}

  nlohmann::json run() {
    nlohmann::json result = {{"people", options_.people}, {"values", options_.dimension}};
    result.update(machine_facts(options_.threads));
    PeopleIndex gallery = made(0);
    Clock::time_point start = Clock::now();
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
    verify(gallery);
    result["enrolment_s"] = median(enrolling);
    result["removal_s"] = median(removing);

    std::vector<double> plain, normalised, again;
    for (size_t i = 0; i < options_.searches; ++i) {
      const Matrix probe = row_of(people_of(1, options_.dimension, 1000 + i), 0);
      gallery.search(row_of(rows_, options_.changes), 1, false, pool_);  // wakes the threads
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
  PeopleIndex made(size_t first) {
    PeopleIndex gallery(TemplateIndex(options_.dimension, {},
                                      options_.graph ? IndexKind::graph : IndexKind::exact));
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
  void verify(PeopleIndex& gallery) {
    PeopleIndex afresh = made(options_.changes);
    const double changed = gallery.draw_line(pool_)->threshold(0.01);
    const double wanted = afresh.draw_line(pool_)->threshold(0.01);
    if (options_.graph ? std::abs(changed - wanted) > 0.01 : changed != wanted) {
      throw Error(ErrorKind::numeric, "the gallery that was changed draws its line at " +
                                          std::to_string(changed) + ", made afresh at " +
                                          std::to_string(wanted));
    }
  }

  Options options_;
  ThreadPool pool_;
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
      "a search %.3f ms by plain distances, %.3f ms by scores, %.3f ms where those who are "
      "near were not found before\n",
      milliseconds("plain_search_s"), milliseconds("search_s"), milliseconds("new_search_s"));
  return 0;
}

}  // namespace
}  // namespace doppel

int main(int argc, char** argv) {
  try {
    return doppel::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "own_line_bench: %s\n", error.what());
    return 1;
  }
}
