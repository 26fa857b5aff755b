// doppel train: from a folder of faces to a model file, with a threshold chosen on people kept from
// the training or, of a training on pairs, the tutorial's own test behind it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/model/embedding.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/nn/simd.h"
#include "doppel/pipeline/calibrated_training.h"
#include "doppel/pipeline/dataset_loading.h"
#include "measures.h"
#include "output_file.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct TrainOptions {
  DataSource data;
  std::string out = "model.safetensors";
  RecipeOptions recipe;
  std::optional<double> holdout;
  double far = 0.01;
  bool resume = false, as_json = false;

  std::filesystem::path checkpoint() const { return out + ".checkpoint"; }
};

TrainingParts parts_of(const Dataset& dataset, const TrainOptions& options, const Recipe& recipe) {
  TrainingParts parts = hold_out(dataset, recipe, options.holdout, options.recipe.seed);
  if (!parts.held_out && parts.share > 0) {
    std::fprintf(stderr,
                 "Note: %zu identities are too few to keep some for the threshold, at least 15 "
                 "were expected: the model gets no threshold\n",
                 dataset.identities.size());
  }
  return parts;
}

void print_calibration(const Calibration& calibration, const Dataset& held_out, double far) {
  const Verification& v = calibration.verification;
  std::printf("On %s kept from the training (%s, %zu genuine and %zu impostor pairs):\n",
              plural(held_out.identities.size(), "person").c_str(),
              plural(held_out.images.size(), "image").c_str(), v.genuine, v.impostor);
  std::printf("  EER        %8s\n", percent(v.eer).c_str());
  std::printf("  ROC AUC    %8.4f\n", v.auc);
  std::printf("  threshold  %8.4f  (%s)\n", calibration.threshold.value,
              threshold_text(calibration.threshold).c_str());
  std::printf("  TAR        %8s  at this threshold\n", percent(calibration.threshold.tar).c_str());
  if (!calibration.resolved) {
    std::printf("%s", unresolved_text(far).c_str());
  }
}

json calibration_json(const Calibration& calibration, const Dataset& held_out, double far) {
  const Verification& v = calibration.verification;
  json names = json::array();
  for (const Identity& identity : held_out.identities) names.push_back(identity.name);
  return {{"identities", names},
          {"images", held_out.images.size()},
          {"pairs", {{"genuine", v.genuine}, {"impostor", v.impostor}}},
          {"eer", v.eer},
          {"auc", v.auc},
          {"tar_at_far_1pct", v.tar_at_far_1pct},
          {"far_1pct_resolved", v.far_1pct_resolved},
          {"far", far},
          {"far_resolved", calibration.resolved},
          {"threshold", to_json(calibration.threshold)}};
}

// The test pairs at the tutorial's threshold, and over all thresholds.
struct TestResult {
  ThresholdCounts counts;
  Verification verification;
  Overlap seen;
};

// Nothing where the pairs are so few that one kind has none among the test pairs.
std::optional<TestResult> test(const TrainedModel& trained, const Dataset& dataset,
                               ThreadPool& pool) {
  const std::vector<Pair>& pairs = trained.split.test;
  const auto genuine = std::ranges::count_if(pairs, &Pair::genuine);
  if (genuine == 0 || genuine == std::ssize(pairs)) return {};
  const Matrix embeddings = embed_images(trained.model, dataset.images, pool);
  const ScoredPairs scored = score_pairs(embeddings, pairs, trained.model.energy, pool);
  return TestResult{at_threshold(scored, kTutorialThreshold), measure_verification(scored),
                    seen_in_training(trained.split)};
}

json test_json(const TestResult& result, size_t pairs) {
  return {{"pairs", pairs},
          {"threshold", kTutorialThreshold},
          {"precision", to_json(result.counts.precision())},
          {"accuracy", result.counts.accuracy()},
          {"recall", result.counts.recall()},
          {"eer", result.verification.eer},
          {"auc", result.verification.auc},
          {"genuine_seen_in_training", result.seen.genuine},
          {"impostor_seen_in_training", result.seen.impostor}};
}

void print_test(const TestResult& result, size_t pairs) {
  std::printf("Test on %zu pairs, same person where the distance is below %.1f:\n", pairs,
              kTutorialThreshold);
  std::printf("  precision  %8s  (what the tutorial calls accuracy)\n",
              percent(result.counts.precision()).c_str());
  std::printf("  accuracy   %8s\n", percent(result.counts.accuracy()).c_str());
  std::printf("  recall     %8s\n", percent(result.counts.recall()).c_str());
  std::printf("  EER        %8s  (at its own threshold, %.3f)\n",
              percent(result.verification.eer).c_str(), result.verification.eer_threshold);
  std::printf("  ROC AUC    %8.4f\n", result.verification.auc);
  std::printf(
      "These people were all trained on, and so were %s of the genuine and %s of the impostor\n"
      "test pairs: this protocol does not measure recognition of unseen people. For that:\n"
      "  doppel crossval\n",
      percent(result.seen.genuine).c_str(), percent(result.seen.impostor).c_str());
}

void print_epoch(const EpochReport& report, bool pairs) {
  if (report.members > 1) std::printf("Network %zu/%zu - ", report.member + 1, report.members);
  if (pairs) {
    std::printf("Epoch %zu/%zu", report.epoch + 1, report.epochs);
  } else {
    std::printf("Step %zu/%zu", report.steps_done, report.steps);
  }
  std::printf(" - %.1fs - loss: %.4f", report.seconds, report.losses.loss);
  if (report.losses.validation_loss)
    std::printf(" - val_loss: %.4f", *report.losses.validation_loss);
  std::printf("\n");
  std::fflush(stdout);
}

void run(const TrainOptions& options) {
  const Clock::time_point start = Clock::now();
  Recipe recipe = options.recipe.recipe();
  check_writable("--out", options.out);
  ThreadPool pool(options.recipe.threads);
  decide_alignment(recipe, data_at_hand(options.data.data), pool);
  const Dataset dataset = options.data.load(pool, loaded_for(recipe));
  print_notes(dataset);
  const TrainingParts parts = parts_of(dataset, options, recipe);
  const bool text = !options.as_json;
  if (text) {
    std::printf("Data: %s: %zu identities, %zu images of %d x %d\n", dataset.source.c_str(),
                dataset.identities.size(), dataset.images.size(), dataset.images[0].width,
                dataset.images[0].height);
    if (parts.held_out) {
      std::printf("Training on %zu of the identities, %zu are kept for the threshold\n",
                  parts.training.identities.size(), parts.held_out->identities.size());
    }
    std::printf("Recipe: %s, seed %llu, %d threads, %s\n", recipe.name.c_str(),
                static_cast<unsigned long long>(options.recipe.seed), pool.threads(),
                simd_name().c_str());
  }
  const CheckpointPlace place{options.checkpoint(), options.resume, ""};
  if (options.resume && !std::filesystem::exists(place.path)) {
    throw Error(ErrorKind::io,
                place.path.string() + ": there is no checkpoint to resume; start without --resume");
  }
  Progress progress;
  json epochs = json::array();
  watch_for_stop();
  TrainingHooks hooks;
  hooks.stop = stop_asked;
  hooks.batch = batch_progress(progress, "");
  hooks.epoch = [&](const EpochReport& report) {
    progress.clear();
    json entry = losses_to_json(report.losses);
    entry["epoch"] = report.epoch + 1;
    entry["seconds"] = report.seconds;
    epochs.push_back(entry);
    if (text) print_epoch(report, recipe.pairs.has_value());
  };
  const CalibratedModel made =
      train_calibrated(parts, recipe, options.recipe.seed, options.far, pool, hooks, place);
  const TrainedModel& trained = made.trained;
  const std::optional<Calibration>& calibration = made.calibration;
  progress.clear();
  if (!trained.finished) {
    std::fprintf(stderr,
                 "doppel: interrupted; what was trained is kept in %s: the same command with "
                 "--resume goes on from there\n",
                 place.path.c_str());
    throw Interrupted{};
  }
  save_model(trained.model, options.out);
  std::error_code ignored;
  std::filesystem::remove(place.path, ignored);
  if (trained.collapsed) {
    std::fprintf(stderr,
                 "Warning: the embedding collapsed: all distances are alike, it tells nobody "
                 "apart. A smaller learning rate (--lr) or another --seed helps.\n");
  }

  if (trained.model.training.synthetic) {
    std::fprintf(stderr,
                 "Note: these faces are synthetic: the model tells drawings apart, not people; "
                 "train one for people on photos of people\n");
  }

  const bool on_pairs = recipe.pairs.has_value();
  std::optional<TestResult> tested;
  if (on_pairs) tested = test(trained, parts.training, pool);
  const size_t pairs = trained.split.test.size();
  if (!options.as_json) {
    if (on_pairs) {
      std::printf("Trained on %zu pairs in %.1f s.\nPairs: %s\n", trained.split.train.size(),
                  made.train_seconds, trained.pair_method.c_str());
      if (tested) {
        print_test(*tested, pairs);
      } else {
        std::printf("No test: the %zu pairs kept for it are all genuine, or all impostor.\n",
                    pairs);
      }
    } else {
      std::printf("Trained on %zu images in %.1f s.\n", parts.training.images.size(),
                  made.train_seconds);
    }
    if (calibration) print_calibration(*calibration, *parts.held_out, options.far);
    std::printf("Model: %s\n", options.out.c_str());
    return;
  }
  json document = {
      {"model", options.out},
      {"data",
       {{"source", dataset.source},
        {"digest", dataset.digest},
        {"identities", dataset.identities.size()},
        {"images", dataset.images.size()},
        {"synthetic", trained.model.training.synthetic},
        {"notes", dataset.notes}}},
      {"recipe", trained.model.training.recipe},
      {"seed", options.recipe.seed},
      {"epochs", epochs},
      {"collapsed", trained.collapsed},
      {"held_out",
       calibration ? calibration_json(*calibration, *parts.held_out, options.far) : json()},
      {"measures_unseen_people", calibration.has_value()},
      {"train_seconds", made.train_seconds},
      {"wall_seconds", seconds_since(start)},
      {"threads", pool.threads()},
      {"simd", simd_name()}};
  if (on_pairs) {
    document["pairs"] = {{"method", trained.pair_method},
                         {"train", trained.split.train.size()},
                         {"validation", trained.split.validation.size()},
                         {"test", pairs}};
    document["test"] = tested ? test_json(*tested, pairs) : json();
  }
  print_json(document);
}

}  // namespace

void add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = program.add_subcommand("train", "Train a twin network on a folder of faces");
  command->footer(
      "Examples:\n"
      "  doppel train faces/ --out faces.safetensors\n"
      "  doppel train                       the AT&T faces, or synthetic ones\n"
      "  doppel train faces/ --resume       go on after Ctrl-C or a crash");
  options->data.add_to(*command);
  command->add_option("--out", options->out, "The model file")->capture_default_str();
  command
      ->add_option("--holdout", options->holdout,
                   "Share of the identities to keep from the training and to choose the threshold "
                   "on: at least 5, at most 100, nobody of fewer than 15")
      ->check(CLI::Range(0.0, 0.5))
      ->default_str("0.2; 0 for recipes with pairs");
  command->add_option("--far", options->far, "FAR that the threshold is chosen for")
      ->check(CLI::Range(kLeastRate, kMostRate))
      ->capture_default_str();
  options->recipe.add_to(*command);
  command->add_flag("--resume", options->resume, "Go on from the checkpoint beside --out");
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
