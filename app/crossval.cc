// doppel crossval: how well are people recognised that were not trained on?
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "data_source.h"
#include "doppel/eval/crossval.h"
#include "doppel/nn/simd.h"
#include "measures.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::app {
namespace {

using nlohmann::json;

struct CrossvalOptions {
  DataSource data;
  int folds = 4;
  size_t seeds = 1;
  RecipeOptions recipe;
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

void run(const CrossvalOptions& options) {
  const Recipe recipe = options.recipe.recipe();
  ThreadPool pool(options.recipe.thread_count());
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
    std::printf("Fold %s - %.1fs - %zu people, %zu genuine and %zu impostor pairs - EER %s\n",
                place().c_str(), result.train_seconds, result.test_identities.size(),
                result.genuine, result.impostor, percent(result.network.eer).c_str());
    std::fflush(stdout);
  };
  const CrossValidation result = cross_validate(
      dataset, recipe, {options.folds, options.recipe.seed, options.seeds}, pool, hooks);
  progress.clear();
  if (!result.finished) {
    std::fprintf(stderr, "doppel: interrupted after %zu of %zu folds\n", result.folds.size(), all);
    throw Interrupted{};
  }
  if (!options.as_json) {
    print_table(result, recipe.name, options.seeds);
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
      "Example: doppel crossval faces/ --folds 4");
  options->data.add_to(*command);
  command->add_option("--folds", options->folds, "Contiguous blocks of identities to test on")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "Repeat with the seeds --seed, --seed + 1, ..")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  options->recipe.add_to(*command);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app
