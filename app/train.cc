// doppel train: from a folder of faces to a model file, with the tutorial's own test behind it.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/error.h"
#include "doppel/eval/verification.h"
#include "doppel/nn/simd.h"
#include "doppel/train/train_model.h"
#include "measures.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::app {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct TrainOptions {
  std::string data, out = "model.safetensors";
  RecipeOptions recipe;
  bool resume = false, as_json = false;

  std::filesystem::path checkpoint() const { return out + ".checkpoint"; }
};

// The test pairs at the tutorial's threshold, and over all thresholds.
struct TestResult {
  ThresholdCounts counts;
  Verification verification;
  Overlap seen;
};

TestResult test(const TrainedModel& trained, const Dataset& dataset, ThreadPool& pool) {
  const Matrix embeddings = embed_images(trained.model, dataset.images, pool);
  const ScoredPairs scored = score_pairs(embeddings, trained.split.test);
  return {at_threshold(scored, kTutorialThreshold), measure_verification(scored),
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

// A folder that cannot be written must show before the training, not after it.
void check_writable(const std::string& out) {
  const std::filesystem::path parent = std::filesystem::path(out).parent_path();
  if (!parent.empty()) {
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error) {
      throw Error(ErrorKind::io,
                  "--out " + out + ": its folder cannot be made: " + error.message());
    }
  }
  if (std::filesystem::is_directory(out)) {
    throw Error(ErrorKind::bad_argument, "--out " + out + ": a file was expected, not a folder");
  }
}

void run(const TrainOptions& options) {
  const Clock::time_point start = Clock::now();
  const Recipe recipe = options.recipe.recipe();
  check_writable(options.out);
  ThreadPool pool(options.recipe.thread_count());
  const Dataset dataset = load_or_make_data(options.data, pool);
  print_notes(dataset);
  const bool text = !options.as_json;
  if (text) {
    std::printf("Data: %s: %zu identities, %zu images of %d x %d\n", dataset.source.c_str(),
                dataset.identities.size(), dataset.images.size(), dataset.images[0].width,
                dataset.images[0].height);
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
    epochs.push_back({{"epoch", report.epoch + 1},
                      {"seconds", report.seconds},
                      {"loss", report.losses.loss},
                      {"val_loss", report.losses.validation_loss}});
    if (text) {
      std::printf("Epoch %zu/%zu - %.1fs - loss: %.4f - val_loss: %.4f\n", report.epoch + 1,
                  report.epochs, report.seconds, report.losses.loss, report.losses.validation_loss);
      std::fflush(stdout);
    }
  };
  const Clock::time_point train_start = Clock::now();
  const TrainedModel trained =
      train_model(dataset, recipe, options.recipe.seed, pool, hooks, place);
  const double train_seconds = seconds_since(train_start);
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

  const TestResult tested = test(trained, dataset, pool);
  const size_t pairs = trained.split.test.size();
  if (!options.as_json) {
    std::printf("Trained on %zu pairs in %.1f s.\nPairs: %s\n", trained.split.train.size(),
                train_seconds, trained.pair_method.c_str());
    print_test(tested, pairs);
    std::printf("Model: %s\n", options.out.c_str());
    return;
  }
  print_json({{"model", options.out},
              {"data",
               {{"source", dataset.source},
                {"digest", dataset.digest},
                {"identities", dataset.identities.size()},
                {"images", dataset.images.size()},
                {"notes", dataset.notes}}},
              {"recipe", trained.model.training.recipe},
              {"seed", options.recipe.seed},
              {"pairs",
               {{"method", trained.pair_method},
                {"train", trained.split.train.size()},
                {"validation", trained.split.validation.size()},
                {"test", pairs}}},
              {"epochs", epochs},
              {"collapsed", trained.collapsed},
              {"test", test_json(tested, pairs)},
              {"measures_unseen_people", false},
              {"train_seconds", train_seconds},
              {"wall_seconds", seconds_since(start)},
              {"threads", pool.threads()},
              {"simd", simd_name()}});
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
  command->add_option("DATA", options->data, kDataHelp);
  command->add_option("--out", options->out, "The model file")->capture_default_str();
  options->recipe.add_to(*command);
  command->add_flag("--resume", options->resume, "Go on from the checkpoint beside --out");
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app
