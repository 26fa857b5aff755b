// From people's photos to a model that was measured on others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "doppel/dataset.h"
#include "doppel/model.h"

namespace doppel {

namespace internal {
struct PublicAccess;
struct Recipe;
}  // namespace internal

// Every setting that shapes a training. Immutable and cheap to copy; several threads may use one.
class Recipe {
 public:
  // Also instead of a move, so that none is ever empty.
  Recipe(const Recipe&) = default;
  Recipe& operator=(const Recipe&) = default;

  // One of names(), or a TOML file. `changes` are settings of it, with values as TOML writes them:
  // {"training.steps=100", "input.align=true"}. Throws Error(bad_argument) naming the setting that
  // is unknown or makes no sense, Error(io) where the file cannot be read.
  static Recipe named(const std::string& name_or_file, std::span<const std::string> changes = {});
  static Recipe named(const std::string& name_or_file, std::initializer_list<std::string> changes) {
    return named(name_or_file, std::span<const std::string>(changes.begin(), changes.size()));
  }
  static std::vector<std::string> names();  // of those that come with the library: "faces", ..

  const std::string& name() const;

 private:
  friend struct internal::PublicAccess;
  explicit Recipe(std::shared_ptr<const internal::Recipe> recipe);
  std::shared_ptr<const internal::Recipe> recipe_;
};

// How far a training is. Networks are trained one after the other, their embeddings side by side.
struct TrainingProgress {
  size_t network = 0, networks = 1;  // counted from 0
  double done = 0;                   // of the whole training, 0 to 1
  double loss = 0;                   // mean of the examples since the last part of it began
};

struct TrainOptions {
  uint64_t seed = 0;  // equal seeds give equal models, to the bit

  // The share of the people who are kept from the training to choose the threshold on, 0 to 0.5: at
  // least 5 and at most 100 of them, but nobody of fewer than 15. Where it is not set a fifth is
  // kept, and nobody where the recipe trains on pairs.
  std::optional<double> holdout = {};
  // The rate at which pairs of different people may be taken for one person, 1e-9 to 0.5: what the
  // threshold is chosen for.
  double far = 0.01;

  // A file that an unfinished training is kept in, about once a second and when it is stopped;
  // empty: none. What was there is replaced. It stays when the training is over, until somebody
  // removes it. With `resume` the training goes on from there, to the bit as if it had not been
  // stopped.
  std::filesystem::path checkpoint = {};
  bool resume = false;

  // Ends the training after the next step: train() then throws Error(cancelled).
  std::stop_token stop = {};
  // Called after each step by the thread that called train(). What it throws ends the training and
  // comes out of train().
  std::function<void(const TrainingProgress&)> progress = {};
  // What its user should know, a sentence each: that faces are aligned and why, that images were
  // resized, that too few people were there to calibrate, that the training failed to tell people
  // apart. By the same thread.
  std::function<void(const std::string&)> note = {};
};

// Trains on some of the people and chooses the threshold on the others, who count as seen from then
// on: the model knows everybody whom it was made from (evaluate()). Where the recipe does not say
// whether faces are found and aligned, a few photos decide. Where nobody can be kept from the
// training the model has no calibration: it gives distances, and decides nothing by itself.
// Throws Error(io) or Error(bad_data) naming the image that cannot be read, Error(bad_data) where
// the images do not fit the recipe; Error(bad_argument) for options outside their range;
// Error(numeric) where the loss is not finite any more; Error(io) or Error(bad_data) for the
// checkpoint, and Error(mismatch) where that belongs to another training; Error(unavailable) where
// faces are to be aligned and the library for it is not installed.
Model train(const Dataset& people, const Recipe& recipe, const TrainOptions& options = {});

struct CalibrateOptions {
  double far = 0.01;  // as TrainOptions::far
  // People are measured whose names alone the model knows: others who are only called so.
  bool allow_namesakes = false;
};

// The model with a threshold that is chosen on these people, who count as seen from then on. Throws
// Error(seen_people) naming whom the model knows, Error(bad_data) where they are too few.
Model calibrated(const Model& model, const Dataset& strangers,
                 const CalibrateOptions& options = {});

}  // namespace doppel
