#include "recipe_options.h"

#include <CLI/CLI.hpp>

#include "doppel/base/thread_pool.h"

namespace doppel::app {

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads; the result does not depend on them")
      ->check(CLI::Range(1, 1024))
      ->default_str("all processors");
}

void RecipeOptions::add_to(CLI::App& command) {
  command.add_option("--recipe", name, "Settings to train with: tutorial")->capture_default_str();
  command.add_option("--epochs", epochs, "Passes over the training pairs (tutorial: 13)");
  command.add_option("--batch", batch, "Pairs in a step (tutorial: 128)");
  command.add_option("--pairs", pairs, "Pairs drawn of each kind (tutorial: 10000)");
  command.add_option("--lr", rate, "Learning rate (tutorial: 0.001)");
  command.add_option("--margin", margin, "Margin of the contrastive loss (tutorial: 1)");
  command.add_option("--seed", seed, "Equal seeds give equal results, to the bit")
      ->capture_default_str();
  add_threads_option(command, threads);
}

Recipe RecipeOptions::recipe() const {
  Recipe recipe = recipe_named(name);
  recipe.epochs = epochs.value_or(recipe.epochs);
  recipe.batch = batch.value_or(recipe.batch);
  recipe.pairs_per_kind = pairs.value_or(recipe.pairs_per_kind);
  recipe.optimizer.rate = rate.value_or(recipe.optimizer.rate);
  recipe.margin = margin.value_or(recipe.margin);
  recipe.check();
  return recipe;
}

int RecipeOptions::thread_count() const {
  return threads > 0 ? threads : ThreadPool::available_threads();
}

std::function<void(const BatchReport&)> batch_progress(Progress& progress, std::string text,
                                                       size_t part, size_t parts) {
  return [&progress, text = std::move(text), part, parts](const BatchReport& report) {
    char loss[48];
    std::snprintf(loss, sizeof loss, "loss: %.4f", report.loss);
    const double epochs = static_cast<double>(report.epoch) +
                          static_cast<double>(report.batch) / static_cast<double>(report.batches);
    const double done = epochs / static_cast<double>(report.epochs);
    progress.show(
        text + "Epoch " + std::to_string(report.epoch + 1) + "/" + std::to_string(report.epochs),
        report.batch, report.batches, loss,
        (static_cast<double>(part) + done) / static_cast<double>(parts));
  };
}

}  // namespace doppel::app
