// What a model, or a recipe, is worth on people whom it does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "doppel/dataset.h"
#include "doppel/model.h"
#include "doppel/training.h"

namespace doppel {

// A figure with its 95 % interval, from a bootstrap over the people.
struct Estimate {
  double value = 0, lower = 0, upper = 0;
};

// Rates are 0 to 1.
struct Evaluation {
  size_t people = 0, photos = 0;
  size_t genuine_pairs = 0, impostor_pairs = 0;  // of one person, of two

  Estimate eer = {};              // equal error rate of comparisons
  double eer_threshold = 0;       // the distance at which both errors are made equally often
  Estimate auc = {};              // area under the receiver operating characteristic
  Estimate tar_at_far_1pct = {};  // true accept rate where the false accept rate is at most 1 %
  bool far_1pct_resolved = true;  // false: fewer than 100 impostor pairs

  // At the model's threshold; none where it has none.
  struct AtThreshold {
    double threshold = 0, far = 0, tar = 0, accuracy = 0;
  };
  std::optional<AtThreshold> at_threshold = {};

  Estimate rank_1 = {};  // of searches, one photo of everybody known: the right person first
  // With half of the people known: the share of their searches that miss, at the distance at which
  // 1 % of the others' searches find somebody.
  double fnir_at_fpir_1pct = 0;
  bool fpir_1pct_resolved = true;  // false: fewer than 100 searches of others

  // Whom of these people the model knows, which only EvaluateOptions::allow_seen lets happen. The
  // figures then are no measure of unseen people.
  std::vector<std::string> seen_people = {};
};

struct EvaluateOptions {
  bool allow_seen = false;
  std::stop_token stop = {};  // evaluate() then throws Error(cancelled)
};

// On all pairs of the people's photos. Throws Error(seen_people) naming whom the model knows, by
// name or by photo, Error(bad_data) naming the image that cannot be read, or where nobody has two
// photos.
Evaluation evaluate(const Model& model, const Dataset& people, const EvaluateOptions& options = {});

// Of one way to compare photos, on people who were not trained on.
struct UnseenRates {
  double eer = 0, auc = 0, tar_at_far_1pct = 0;
  double one_shot = 0;  // searches among all of a fold, one photo of each known
};

struct CrossValidation {
  struct Fold {
    size_t fold = 0;
    uint64_t seed = 0;
    std::vector<std::string> people = {};  // whom it was tested on
    UnseenRates model = {};
  };
  std::vector<Fold> folds = {};  // all folds of a seed, then the next seed's
  // Mean and standard deviation over folds and seeds; of nearest pixels and of eigenfaces, on the
  // same people, over folds.
  struct Summary {
    UnseenRates mean = {}, spread = {};
  };
  Summary model = {}, nearest_pixels = {}, eigenfaces = {};
};

struct CrossValidationProgress {
  size_t training = 0, trainings = 1;  // counted from 0
  double done = 0;                     // of all of them, 0 to 1
  double loss = 0;
};

struct CrossValidateOptions {
  int folds = 4;  // contiguous blocks of people in natural order
  uint64_t seed = 0;
  size_t seeds = 1;           // trained once for each of seed, seed + 1, ..
  std::stop_token stop = {};  // cross_validate() then throws Error(cancelled)
  std::function<void(const CrossValidationProgress&)> progress = {};  // as TrainOptions::progress
  std::function<void(const std::string&)> note = {};                  // as TrainOptions::note
};

// Trains once for each fold and seed on everybody else, and tests on the fold's people. Throws as
// train() does, Error(bad_argument) for fewer than two folds or fewer than two people in one.
CrossValidation cross_validate(const Dataset& people, const Recipe& recipe,
                               const CrossValidateOptions& options = {});

// What a gallery answers to its own people and to strangers.
struct OpenSet {
  size_t people = 0;  // enrolled in each draw
  size_t draws = 0;
  // Of the gallery's own decisions, over the draws: how often a search by a stranger names
  // somebody, and how often one by somebody enrolled does not name this person.
  double fpir = 0, fnir = 0;
  double fpir_of_nine_in_ten = 0;  // nine in ten draws have a lower one
  double rank_1 = 0;               // the right person is the nearest
  // As Evaluation::seen_people.
  std::vector<std::string> seen_people = {};
};

struct OpenSetOptions {
  size_t photos = 1;  // enrolled of each person
  // To enrol; where it is not set, half of those who have more photos than are enrolled.
  std::optional<size_t> people = {};
  size_t draws = 20;
  uint64_t seed = 0;
  // That the gallery is set to, 1e-9 to 0.5; where it is not, the FAR of the model's calibration.
  std::optional<double> fpir = {};
  size_t visit = 1;  // photos that are decided on together, by the mean of their embeddings
  bool allow_seen = false;
  std::stop_token stop = {};  // open_set() then throws Error(cancelled)
  // Called before each draw and at the end by the thread that called open_set(), with what is done
  // of all, 0 to 1.
  std::function<void(double done)> progress = {};
};

// Enrols some photos of some people, drawn at random, in a gallery and searches for all others.
// Throws as evaluate() does, Error(bad_argument) where so many people cannot be enrolled and
// strangers be left, Error(uncalibrated) where the gallery could not decide, as it is small and the
// model has no calibration.
OpenSet open_set(const Model& model, const Dataset& people, const OpenSetOptions& options = {});

}  // namespace doppel
