// The options that train and crossval share: a recipe and what may be changed in it, seed, threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/train/recipe.h"
#include "doppel/train/trainer.h"
#include "progress.h"

namespace CLI {
class App;
}

namespace doppel::internal::app {

struct RecipeOptions {
  std::string name = "faces";
  std::vector<std::string> changes;  // "training.steps=800"
  std::optional<size_t> epochs;
  std::optional<double> rate;
  std::optional<bool> align;
  uint64_t seed = 0;
  int threads = 0;  // 0: all processors

  void add_to(CLI::App& command);
  Recipe recipe() const;  // throws Error(bad_argument) naming the setting that makes no sense
};

// Decides whether a recipe that leaves it open aligns the faces of `source` (data_at_hand()), and
// says on standard error which it is, why, and how to have it otherwise.
void decide_alignment(Recipe& recipe, const std::string& source, ThreadPool& pool);

// A live line for the batches of part `part` of `parts` (folds), named `text` in front.
std::function<void(const BatchReport&)> batch_progress(Progress& progress, std::string text,
                                                       size_t part = 0, size_t parts = 1);

void add_threads_option(CLI::App& command, int& threads);

}  // namespace doppel::internal::app
