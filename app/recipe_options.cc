#include "recipe_options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/pipeline/alignment_decision.h"

namespace doppel::internal::app {

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads; the result does not depend on them")
      ->check(CLI::Range(1, 1024))
      ->default_str("all processors");
}

void RecipeOptions::add_to(CLI::App& command) {
  std::string known;
  for (const std::string& recipe : recipe_names()) known += (known.empty() ? "" : ", ") + recipe;
  command.add_option("--recipe", name, "Settings to train with: " + known + ", or a TOML file")
      ->capture_default_str();
  command.add_option("--set", changes, "Change a setting of the recipe, e.g. batch.size=64")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--epochs", epochs, "Passes over the training pairs, of recipes with pairs");
  command.add_option("--lr", rate, "Learning rate: --set optimizer.rate=..");
  command.add_flag_function(
      "--align,!--no-align", [this](int64_t count) { align = count > 0; },
      "Find the faces and bring their eyes and mouths to one place, or do not: --set "
      "input.align=true. The model does the same with every photo it is given. Without either, a "
      "few pictures decide: faces that are framed loosely, or small in them, are aligned");
  command.add_option("--seed", seed, "Equal seeds give equal results, to the bit")
      ->capture_default_str();
  add_threads_option(command, threads);
}

Recipe RecipeOptions::recipe() const {
  Recipe recipe = find_recipe(name, changes);
  if (epochs) {
    if (!recipe.pairs) {
      throw Error(ErrorKind::bad_argument,
                  "--epochs: recipe " + recipe.name + " counts steps; use --set training.steps=..");
    }
    recipe.epochs = *epochs;
  }
  if (align) recipe.align = align;
  recipe.optimizer.rate = rate.value_or(recipe.optimizer.rate);
  recipe.check();
  return recipe;
}

void decide_alignment(Recipe& recipe, const std::string& source, ThreadPool& pool) {
  if (recipe.align) return;
  const AlignmentDecision decision =
      source.empty() ? AlignmentDecision() : internal::decide_alignment(source, pool);
  recipe.align = decision.align;
  if (decision.finding.empty()) return;
  std::string sentence = decision.finding;
  if (decision.judged) {
    sentence += decision.align ? " (--no-align leaves them)" : " (--align does it)";
  }
  if (!decision.detail.empty()) sentence += ": " + decision.detail;
  std::fprintf(stderr, "Note: %s\n", sentence.c_str());
}

std::function<void(const BatchReport&)> batch_progress(Progress& progress, std::string text,
                                                       size_t part, size_t parts) {
  return [&progress, text = std::move(text), part, parts](const BatchReport& report) {
    char loss[48];
    std::snprintf(loss, sizeof loss, "loss: %.4f", report.loss);
    progress.show(
        text + "Epoch " + std::to_string(report.epoch + 1) + "/" + std::to_string(report.epochs),
        report.batch, report.batches, loss,
        (static_cast<double>(part) + report.done()) / static_cast<double>(parts));
  };
}

}  // namespace doppel::internal::app
