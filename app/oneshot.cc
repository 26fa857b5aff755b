// doppel oneshot: one-shot recognition on given runs, as Omniglot's.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/eval/episode_files.h"
#include "doppel/eval/seen.h"
#include "doppel/image/image_digest.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "measures.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;

struct OneShotOptions {
  std::string model, runs;
  int threads = 0;
  bool allow_seen = false, as_json = false;
};

// Images that the model has seen, and those that look like one of them.
struct SeenImages {
  size_t exactly = 0, alike = 0;

  size_t all() const { return exactly + alike; }
};

SeenImages seen_images(const Model& model, const EpisodeFiles& files) {
  const SeenPeople& known = model.training.seen;
  SeenImages seen;
  for (const std::vector<Image>& images : files.images) {
    for (const Image& image : images) {
      if (std::ranges::binary_search(known.images, image_digest(image))) {
        ++seen.exactly;
      } else if (!known.hashes.empty()) {
        seen.alike += looks_seen(known, perceptual_hashes(image, /*framings=*/true));
      }
    }
  }
  return seen;
}

std::string count_text(const SeenImages& seen) {
  std::string text = plural(seen.all(), "image");
  if (seen.alike > 0) text += ", " + std::to_string(seen.alike) + " by their looks,";
  return text;
}

void run(const OneShotOptions& options) {
  const Model model = load_model(options.model);
  if (model.preprocessing.align) {
    throw Error(ErrorKind::mismatch,
                options.model +
                    ": it takes aligned faces, and runs are measured "
                    "as they are: a model trained with --no-align was expected");
  }
  ThreadPool pool(options.threads);
  const EpisodeFiles files =
      load_episodes(options.runs, pool, {.color = model.embedder->takes_color()});
  const SeenImages seen = seen_images(model, files);
  if (seen.all() > 0 && !options.allow_seen) {
    throw Error(ErrorKind::mismatch,
                options.runs +
                    ": images that the model was not made from were expected; it knows " +
                    count_text(seen) + " of them. --allow-seen measures them and marks the result");
  }
  std::vector<Matrix> embeddings;
  for (const std::vector<Image>& images : files.images) {
    embeddings.push_back(embed_images(model, images, pool));
  }
  const EpisodeScores scores = score_episodes(files.episodes, embeddings, model.energy);
  if (options.as_json) {
    json names = json::array();
    for (const Episode& episode : files.episodes) names.push_back(episode.name);
    print_json({{"model", options.model},
                {"source", options.runs},
                {"names", names},
                {"runs", scores.runs},
                {"mean", scores.mean},
                {"trials", scores.trials},
                {"seen_images", seen.exactly},
                {"seen_look_alikes", seen.alike}});
    return;
  }
  for (size_t i = 0; i < files.episodes.size(); ++i) {
    const Episode& episode = files.episodes[i];
    std::printf("%-12s  %8s  (%zu tests, %zu-way)\n", episode.name.c_str(),
                percent(scores.runs[i]).c_str(), episode.tests.size(), episode.references.size());
  }
  std::printf("%-12s  %8s  of %zu trials\n", "mean", percent(scores.mean).c_str(), scores.trials);
  if (seen.all() > 0) {
    std::printf("Marked: the model was made from %s of these: no measure of unseen classes.\n",
                count_text(seen).c_str());
  }
}

}  // namespace

void add_oneshot(CLI::App& program) {
  auto options = std::make_shared<OneShotOptions>();
  CLI::App* command =
      program.add_subcommand("oneshot", "Measure one-shot recognition on given runs");
  command->footer(
      "RUNS holds run01/class_labels.txt and so on, as Omniglot's all_runs.zip does: each line "
      "names\n"
      "an image and the reference of its class among the run's references.\n"
      "Example: doppel oneshot model.safetensors all_runs.zip");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("RUNS", options->runs, "A folder or zip archive of runs")->required();
  command->add_flag("--allow-seen", options->allow_seen,
                    "Also images the model was trained on; the result is marked");
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
