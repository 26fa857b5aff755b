// What people who are enrolled under two names do to everybody else's decisions: in each draw some
// people are enrolled with one photo each, and a share of them under a second name, too, with
// another photo, without anybody noticing. The same searches decide before and after.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "doppel/base/file.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/random.h"
#include "doppel/data/dataset.h"
#include "doppel/data/people.h"
#include "doppel/error.h"
#include "doppel/eval/npy.h"
#include "doppel/gallery/decision.h"
#include "doppel/gallery/people_index.h"

namespace doppel::internal {
namespace {

struct Options {
  std::string data, people, embeddings;
  size_t enrolled = 300, draws = 20;
  double share = 0.02, fpir = 0.01;
  uint64_t seed = 0;
  int threads = 2;
  bool as_json = false;
};

constexpr size_t kMostNpyBytes = size_t{1} << 30;
// Numbers of people's second names.
constexpr int64_t kSecondName = 1'000'000;

struct Rates {
  double fpir = 0, fnir = 0, fnir_of_doubled = 0;
};

class Draw {
 public:
  // `photos`: rows of each person, in the order of the draw.
  Draw(const Matrix& embeddings, const std::vector<std::vector<size_t>>& photos,
       const Options& options, ThreadPool& pool)
      : embeddings_(embeddings), options_(options), pool_(pool) {
    const auto wanted =
        static_cast<size_t>(std::lround(options.share * static_cast<double>(options.enrolled)));
    for (size_t person = 0; person < photos.size(); ++person) {
      const std::vector<size_t>& own = photos[person];
      const bool enrolled = person < options.enrolled;
      size_t first = 0;
      if (enrolled) templates_.push_back({static_cast<int64_t>(person), own[first++]});
      if (enrolled && second_.size() < wanted && own.size() > 2) {
        second_.push_back({static_cast<int64_t>(person) + kSecondName, own[first++]});
        doubled_.insert(static_cast<int64_t>(person));
      }
      for (size_t i = first; i < own.size(); ++i) {
        (enrolled ? mated_ : strangers_).push_back({static_cast<int64_t>(person), own[i]});
      }
    }
    if (second_.size() < wanted || second_.empty() || mated_.empty() || strangers_.empty()) {
      throw Error(ErrorKind::bad_argument,
                  "more people with three photos were expected, or fewer enrolled");
    }
  }

  Rates before() { return rates(templates_); }
  Rates after() {
    std::vector<Photo> all = templates_;
    all.insert(all.end(), second_.begin(), second_.end());
    return rates(all);
  }

 private:
  struct Photo {
    int64_t person = 0;
    size_t row = 0;
  };

  Rates rates(const std::vector<Photo>& templates) {
    PeopleIndex gallery(TemplateIndex(embeddings_.columns, {}, IndexKind::exact));
    std::vector<int64_t> ids, people;
    for (const Photo& photo : templates) {
      ids.push_back(static_cast<int64_t>(photo.row));
      people.push_back(photo.person);
    }
    gallery.add(ids, people, rows(templates), pool_);
    GallerySettings settings;
    settings.fpir = options_.fpir;
    const std::optional<OwnLine> line = gallery.draw_line(pool_);
    const DecisionRule rule =
        decision_rule(settings, gallery.owners().people(), gallery.owners().templates(), line);
    const auto named = [&](const std::vector<Photo>& probes) {
      std::vector<std::optional<int64_t>> names;
      for (const auto& found : gallery.search(rows(probes), 1, rule.normalised, pool_)) {
        const PersonMatch& first = found.front();
        names.push_back(rule.accepts(first.distance, first.score)
                            ? std::optional(first.person % kSecondName)
                            : std::nullopt);
      }
      return names;
    };
    Rates rates;
    const std::vector<std::optional<int64_t>> of_strangers = named(strangers_), own = named(mated_);
    rates.fpir = static_cast<double>(std::ranges::count_if(
                     of_strangers, [](const auto& name) { return name.has_value(); })) /
                 static_cast<double>(strangers_.size());
    double others = 0, doubled = 0;
    for (size_t i = 0; i < mated_.size(); ++i) {
      const bool twice = doubled_.contains(mated_[i].person);
      const bool missed = own[i] != mated_[i].person;
      (twice ? doubled : others) += 1;
      (twice ? rates.fnir_of_doubled : rates.fnir) += missed ? 1 : 0;
    }
    rates.fnir /= others;
    rates.fnir_of_doubled /= doubled;
    return rates;
  }

  Matrix rows(const std::vector<Photo>& photos) const {
    Matrix rows(0, embeddings_.columns);
    for (const Photo& photo : photos) rows.append(embeddings_.row(photo.row));
    return rows;
  }

  const Matrix& embeddings_;
  const Options& options_;
  ThreadPool& pool_;
  std::vector<Photo> templates_, second_, mated_, strangers_;
  std::set<int64_t> doubled_;
};

struct Mean {
  double sum = 0, squares = 0;
  size_t n = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++n;
  }
  double value() const { return sum / static_cast<double>(n); }
  double error() const {  // of the mean
    const double count = static_cast<double>(n);
    return n < 2 ? 0 : std::sqrt(std::max(0.0, squares / count - value() * value()) / (count - 1));
  }
};

nlohmann::json measure(const Options& options) {
  ThreadPool pool(options.threads);
  Dataset people = load_dataset(options.data, pool);
  if (!options.people.empty()) {
    std::vector<std::string> names = read_people_list(options.people);
    std::ranges::sort(names, natural_less);
    people = select_identities(people, names);
  }
  const Matrix embeddings =
      decode_npy(read_file(options.embeddings, kMostNpyBytes), options.embeddings);
  if (embeddings.rows != people.images.size()) {
    throw Error(ErrorKind::mismatch,
                options.embeddings + ": " + std::to_string(people.images.size()) +
                    " rows were expected, not " + std::to_string(embeddings.rows));
  }
  Mean fpir_before, fpir_after, fnir_before, fnir_after, more, doubled_before, doubled_after;
  for (size_t draw = 0; draw < options.draws; ++draw) {
    Random random(options.seed, Purpose::sample, static_cast<uint32_t>(draw));
    std::vector<std::vector<size_t>> photos(people.identities.size());
    for (size_t i = 0; i < people.identity_of.size(); ++i) {
      photos[people.identity_of[i]].push_back(i);
    }
    random.shuffle(std::span(photos));
    for (std::vector<size_t>& own : photos) random.shuffle(std::span(own));
    Draw drawn(embeddings, photos, options, pool);
    const Rates before = drawn.before(), after = drawn.after();
    fpir_before.add(before.fpir);
    fpir_after.add(after.fpir);
    fnir_before.add(before.fnir);
    fnir_after.add(after.fnir);
    more.add(after.fnir - before.fnir);
    doubled_before.add(before.fnir_of_doubled);
    doubled_after.add(after.fnir_of_doubled);
  }
  const auto both = [](const Mean& before, const Mean& after) {
    return nlohmann::json{{"before", before.value()}, {"after", after.value()}};
  };
  return {{"people", options.enrolled},
          {"share", options.share},
          {"draws", options.draws},
          {"fpir", both(fpir_before, fpir_after)},
          {"fnir_of_others", both(fnir_before, fnir_after)},
          {"more_misses_of_others", {{"mean", more.value()}, {"error", more.error()}}},
          {"fnir_of_doubled", both(doubled_before, doubled_after)}};
}

int run(int argc, char** argv) {
  CLI::App program("What people under two names do to a gallery's own line");
  Options options;
  program.add_option("DATA", options.data, "People's photos, as doppel eval reads them")
      ->required();
  program.add_option("--embeddings", options.embeddings, "Of these photos, an .npy file")
      ->required();
  program.add_option("--people", options.people, "A list of people, as LFW's");
  program.add_option("--enrolled", options.enrolled)->capture_default_str();
  program.add_option("--share", options.share, "Of them, under a second name")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  program.add_option("--fpir", options.fpir)->check(CLI::Range(1e-6, 0.5))->capture_default_str();
  program.add_option("--draws", options.draws)->check(CLI::Range(1, 10'000))->capture_default_str();
  program.add_option("--seed", options.seed)->capture_default_str();
  program.add_option("--threads", options.threads)->capture_default_str();
  program.add_flag("--json", options.as_json);
  CLI11_PARSE(program, argc, argv);
  const nlohmann::json result = measure(options);
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return 0;
  }
  const auto percent = [&](const char* name, const char* when) {
    return 100 * result[name][when].get<double>();
  };
  std::printf(
      "%zu people, %.3g %% of them under a second name, %zu draws: FPIR %.2f -> %.2f %%, others' "
      "FNIR %.1f -> %.1f %% (%+.1f, error %.1f), of those under two names %.1f -> %.1f %%\n",
      options.enrolled, 100 * options.share, options.draws, percent("fpir", "before"),
      percent("fpir", "after"), percent("fnir_of_others", "before"),
      percent("fnir_of_others", "after"), percent("more_misses_of_others", "mean"),
      percent("more_misses_of_others", "error"), percent("fnir_of_doubled", "before"),
      percent("fnir_of_doubled", "after"));
  return 0;
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  try {
    return doppel::internal::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "two_names_bench: %s\n", error.what());
    return 1;
  }
}
