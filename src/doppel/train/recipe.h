// A recipe: every setting that shapes a training, in one place, as a small TOML file has them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/data/batches.h"
#include "doppel/image/augment.h"
#include "doppel/image/hog.h"
#include "doppel/image/views.h"
#include "doppel/nn/network.h"
#include "doppel/optim/optimizer.h"
#include "doppel/optim/schedule.h"

namespace doppel::internal {

struct Recipe {
  std::string name, about;

  // [input]: what becomes of an image before the network sees it. Without a size images are taken
  // as they are, unless they are large (choose_preprocessing()).
  std::optional<int> width, height;
  int subsampling = 1;  // 2: every second row and column
  bool standardize = false;
  // Faces are found and brought to one place: face/align.h. Left out: they are not, unless who
  // trains looks at the pictures first and decides (face/framing.h).
  std::optional<bool> align;
  bool rotations = false;  // the four quarter turns of an image are four identities

  // [network]
  std::vector<Layer> layers;
  Initialisation initialisation = Initialisation::glorot_uniform;

  // [pairs]: training on pairs of images; else on batches of images and whom they show.
  struct Pairs {
    size_t per_kind = 10000;  // genuine, and as many impostor
  };
  std::optional<Pairs> pairs;

  BatchSettings batch;  // of pairs, or of images
  // Of pairs: {"type": "contrastive_pairs", "margin": 1} or {"type": "logistic_pairs"}; else as
  // loss/batch_loss.h has it.
  nlohmann::json loss;
  AugmentSettings augment;  // not of pairs
  OptimizerSettings optimizer;
  Schedule schedule;

  // [training]
  size_t epochs = 0;   // over the pairs
  size_t steps = 0;    // of image batches
  double average = 0;  // decay of the weights' moving average; 0: the last weights
  bool remeasure_statistics =
      false;           // measure the normalisations' statistics anew, with the final weights
  size_t members = 1;  // networks trained one after the other, their embeddings side by side

  // [embedding]
  std::string energy = "euclidean";
  Views views;
  HogSettings hog;        // histograms that stand beside the networks' embedding
  double hog_weight = 0;  // of their squared distance; 0: without

  // Throws Error(bad_argument) naming the setting that makes no sense.
  void check() const;
};

// {"name": .., "input": {..}, "network": {"layers": [..]}, "batch": {..}, ..}, everything filled
// in.
nlohmann::json recipe_to_json(const Recipe& recipe);
// Back; what is not named has its default. Throws Error(bad_argument) naming the setting that is
// unknown or wrong.
Recipe recipe_from_json(const nlohmann::json& json);

// The same as TOML. Throws Error(bad_argument) that begins with `source` and names line or setting.
nlohmann::json recipe_json_from_toml(std::string_view text, const std::string& source);

// The recipes that come with the program: "tutorial" and others.
std::vector<std::string> recipe_names();

// A recipe by its name or, where that is none of ours, from a TOML file. `changes` are settings
// like "training.steps=800", each a path into the JSON and a TOML value. Throws Error(bad_argument)
// or, for a file that cannot be read, Error(io).
Recipe find_recipe(const std::string& name_or_file, std::span<const std::string> changes = {});

}  // namespace doppel::internal
