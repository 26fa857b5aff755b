// doppel crossval: how well are people recognised that were not trained on?
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/base/words.h"
#include "doppel/eval/crossval.h"
#include "doppel/nn/simd.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/report/report.h"
#include "measures.h"
#include "output_file.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;

struct CrossvalOptions {
  DataSource data;
  int folds = 4;
  size_t seeds = 1;
  RecipeOptions recipe;
  std::string report;  // a page to write; empty: none
  bool as_json = false;
};

json measures_json(const UnseenMeasures& measures) {
  return {{"eer", measures.eer},
          {"auc", measures.auc},
          {"tar_at_far_1pct", measures.tar_at_far_1pct},
          {"one_shot", measures.one_shot}};
}

json fold_json(const FoldResult& fold) {
  json result = measures_json(fold.network);
  result["fold"] = fold.fold;
  result["seed"] = fold.seed;
  result["test_identities"] = fold.test_identities;
  result["ways"] = fold.ways;
  result["pairs"] = {{"genuine", fold.genuine}, {"impostor", fold.impostor}};
  result["far_1pct_resolved"] = fold.far_1pct_resolved;
  result["collapsed"] = fold.collapsed;
  result["train_seconds"] = fold.train_seconds;
  result["baselines"] = {{"pixels", measures_json(fold.pixels)}, {"pca", measures_json(fold.pca)}};
  return result;
}

json summary_json(const MeasureSummary& summary) {
  json result = measures_json(summary.mean);
  result["spread"] = measures_json(summary.spread);
  return result;
}

void print_rule() { std::printf("%s\n", std::string(78, '-').c_str()); }

void print_row(const char* name, const UnseenMeasures& m) {
  std::printf("%-26s  %10s  %8.4f  %14s  %10s\n", name, percent(m.eer).c_str(), m.auc,
              percent(m.tar_at_far_1pct).c_str(), percent(m.one_shot).c_str());
}

void print_summary(const std::string& name, const MeasureSummary& summary, const char* over) {
  print_row(name.c_str(), summary.mean);
  print_row(over, summary.spread);
}

void print_table(const CrossValidation& result, const std::string& recipe, size_t seeds) {
  std::printf("\n%-26s  %10s  %8s  %14s  %10s\n", "people not trained on", "EER", "AUC",
              "TAR @ 1 % FAR", "one-shot");
  print_rule();
  for (const FoldResult& fold : result.folds) {
    std::string name = "  " + fold.test_identities.front() + " .. " + fold.test_identities.back();
    if (seeds > 1) name += ", seed " + std::to_string(fold.seed);
    print_row(name.c_str(), fold.network);
  }
  print_rule();
  print_summary("recipe " + recipe, result.network,
                seeds > 1 ? "  spread over folds, seeds" : "  spread over folds");
  print_summary("nearest pixels", result.pixels, "  spread over folds");
  print_summary("PCA, 50 components", result.pca, "  spread over folds");
  if (result.network.mean.eer > result.pixels.mean.eer) {
    std::printf(
        "\nComparing plain pixels makes fewer errors on these people than the trained network.\n");
  }
  for (const FoldResult& fold : result.folds) {
    if (!fold.far_1pct_resolved) {
      std::printf("\nWith fewer than 100 impostor pairs in a fold, 1 %% FAR is not resolved.\n");
      break;
    }
  }
}

ReportGroup report_group(const FoldResult& fold, const Model& model, Dataset test, size_t seeds,
                         ThreadPool& pool) {
  std::string name = "fold " + std::to_string(fold.fold + 1);
  if (seeds > 1) name += ", seed " + std::to_string(fold.seed);
  ReportGroup group = measure_group(std::move(name), model, std::move(test), pool);
  group.baselines = {{"nearest pixels", fold.pixels}, {"PCA, 50 components", fold.pca}};
  return group;
}

void write_report(const CrossvalOptions& options, const Dataset& dataset, const Recipe& recipe,
                  const CrossValidation& result, std::vector<ReportGroup> groups,
                  const ThreadPool& pool) {
  double seconds = 0;
  for (const FoldResult& fold : result.folds) seconds += fold.train_seconds;
  char each[32];
  std::snprintf(each, sizeof each, "%.1f s", seconds / static_cast<double>(result.folds.size()));
  ReportContent content;
  content.title = "Cross-validation of recipe " + recipe.name + " on " + dataset.source;
  content.setting = {
      {"Recipe", recipe.name},
      {"Seeds",
       std::to_string(options.recipe.seed) +
           (options.seeds > 1 ? " to " + std::to_string(options.recipe.seed + options.seeds - 1)
                              : "")},
      {"Measured on", dataset.source + ": " + plural(dataset.identities.size(), "person") + ", " +
                          plural(dataset.images.size(), "image")},
      {"Data", dataset.digest},
      {"Folds", std::to_string(options.folds) +
                    " contiguous blocks of people, each tested by networks trained on the others"},
      {"Machine", plural(static_cast<size_t>(pool.threads()), "thread") + ", " + simd_name()},
      {"Time", utc_now() + ", training " + each + " each"}};
  content.recipe = recipe_to_json(recipe);
  content.groups = std::move(groups);
  write_file_atomically(options.report, report_html(content));
}

void run(const CrossvalOptions& options) {
  Recipe recipe = options.recipe.recipe();
  ThreadPool pool(options.recipe.threads);
  decide_alignment(recipe, data_at_hand(options.data.data), pool);
  const Dataset dataset = options.data.load(pool, loaded_for(recipe));
  print_notes(dataset);
  if (!options.as_json) {
    std::printf("Data: %s: %zu identities, %zu images of %d x %d\n", dataset.source.c_str(),
                dataset.identities.size(), dataset.images.size(), dataset.images[0].width,
                dataset.images[0].height);
    std::printf("Recipe: %s, seed %llu, %d threads, %s\n", recipe.name.c_str(),
                static_cast<unsigned long long>(options.recipe.seed), pool.threads(),
                simd_name().c_str());
  }
  Progress progress;
  watch_for_stop();
  CrossValidationHooks hooks;
  hooks.training.stop = stop_asked;
  size_t current = 0, all = 1;
  const auto place = [&] {  // "2/4"
    return std::to_string(current + 1) + "/" + std::to_string(all);
  };
  hooks.begin = [&](size_t done, size_t trainings) {
    current = done;
    all = trainings;
  };
  hooks.training.batch = [&](const BatchReport& report) {
    batch_progress(progress, "Fold " + place() + " ", current, all)(report);
  };
  hooks.end = [&](const FoldResult& result) {
    progress.clear();
    if (result.collapsed) {
      std::fprintf(stderr,
                   "Warning: in fold %zu with seed %llu the embedding collapsed: it tells nobody "
                   "apart. A smaller learning rate (--lr) helps.\n",
                   result.fold + 1, static_cast<unsigned long long>(result.seed));
    }
    if (options.as_json) return;
    std::printf("Fold %s - %.1fs - %s, %zu genuine and %zu impostor pairs - EER %s\n",
                place().c_str(), result.train_seconds,
                plural(result.test_identities.size(), "person").c_str(), result.genuine,
                result.impostor, percent(result.network.eer).c_str());
    std::fflush(stdout);
  };
  std::vector<ReportGroup> groups;
  if (!options.report.empty()) {
    check_writable("--report", options.report);
    hooks.tested = [&](const FoldResult& fold, const Model& model, Dataset test) {
      groups.push_back(report_group(fold, model, std::move(test), options.seeds, pool));
    };
  }
  const CrossValidation result = cross_validate(
      dataset, recipe, {options.folds, options.recipe.seed, options.seeds}, pool, hooks);
  progress.clear();
  if (!result.finished) {
    std::fprintf(stderr, "doppel: interrupted after %zu of %zu folds\n", result.folds.size(), all);
    throw Interrupted{};
  }
  if (!options.report.empty()) {
    write_report(options, dataset, recipe, result, std::move(groups), pool);
  }
  if (!options.as_json) {
    print_table(result, recipe.name, options.seeds);
    if (!options.report.empty()) std::printf("\nReport: %s\n", options.report.c_str());
    return;
  }
  json folds = json::array();
  for (const FoldResult& fold : result.folds) folds.push_back(fold_json(fold));
  json document = {
      {"data", {{"source", dataset.source}, {"digest", dataset.digest}}},
      {"recipe", recipe_to_json(recipe)},
      {"seed", options.recipe.seed},
      {"seeds", options.seeds},
      {"folds", folds},
      {"mean", measures_json(result.network.mean)},
      {"spread", measures_json(result.network.spread)},
      {"baselines", {{"pixels", summary_json(result.pixels)}, {"pca", summary_json(result.pca)}}},
      {"threads", pool.threads()},
      {"simd", simd_name()}};
  print_json(document);
}

}  // namespace

void add_crossval(CLI::App& program) {
  auto options = std::make_shared<CrossvalOptions>();
  CLI::App* command = program.add_subcommand(
      "crossval", "Measure on people that were not trained on, with baselines beside it");
  command->footer(
      "Trains once per fold and seed on all other people. Prints EER, AUC, TAR at 1 % FAR and "
      "N-way\n"
      "one-shot accuracy, for the network, for nearest pixels and for eigenfaces.\n"
      "Examples: doppel crossval faces/ --folds 4\n"
      "          doppel crossval faces/ --seeds 3 --report crossval.html");
  options->data.add_to(*command);
  command->add_option("--folds", options->folds, "Contiguous blocks of identities to test on")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "Repeat with the seeds --seed, --seed + 1, ..")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  options->recipe.add_to(*command);
  command->add_option("--report", options->report,
                      "Also write a page to look at, as doppel report does, of all folds");
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
