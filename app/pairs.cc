// doppel pairs: a sheet of genuine and impostor pairs to look at, with a model's distances.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/image/encode.h"
#include "doppel/image/sheet.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/pipeline/dataset_loading.h"
#include "exit_code.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

struct PairsOptions {
  std::string data, out = "pairs.png", model;
  size_t count = 24;
  uint64_t seed = 0;
  std::optional<double> threshold;
  bool hardest = false;
};

struct ScoredPair {
  Pair pair;
  float distance = 0;
};

constexpr size_t kPairsInRow = 6;

// `count` pairs of each kind: drawn as for training, or the hardest of all there are.
std::vector<ScoredPair> choose(const PairsOptions& options, const std::vector<Pair>& candidates,
                               const std::vector<float>& distances, bool genuine) {
  std::vector<ScoredPair> chosen;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].genuine != genuine) continue;
    chosen.push_back({candidates[i], distances.empty() ? 0 : distances[i]});
  }
  if (options.hardest) {
    // Genuine pairs that look far apart, impostors that look alike.
    std::ranges::stable_sort(chosen, [&](const ScoredPair& x, const ScoredPair& y) {
      return genuine ? x.distance > y.distance : x.distance < y.distance;
    });
  } else {
    // draw_pairs lists genuine pairs by identity; a sheet shall show many.
    Random(options.seed, Purpose::sample, genuine).shuffle(std::span<ScoredPair>(chosen));
  }
  chosen.resize(std::min(chosen.size(), options.count));
  return chosen;
}

// What is written under a pair.
struct Captions {
  bool distances = false;
  std::optional<double> threshold;  // that says which of them are wrong; none: nothing does
};

SheetCell cell(const Dataset& dataset, const ScoredPair& scored, const Captions& captions) {
  const auto [a, b, genuine] = scored.pair;
  SheetCell result;
  result.images = {&dataset.images[a], &dataset.images[b]};
  result.tone = genuine ? Tone::good : Tone::bad;
  // "s1/2  s1/10": there is room for little more under two faces.
  const auto short_name = [&](uint32_t i) {
    return std::filesystem::path(dataset.image_names[i]).replace_extension().string();
  };
  result.caption = {short_name(a) + "  " + short_name(b)};
  if (captions.distances) {
    char text[64];
    const auto distance = static_cast<double>(scored.distance);
    const bool wrong = captions.threshold && (distance < *captions.threshold) != genuine;
    std::snprintf(text, sizeof text, "%s %.3f", wrong ? "wrong:" : "distance", distance);
    result.caption.emplace_back(text);
  } else {
    result.caption.emplace_back(genuine ? "genuine (1)" : "impostor (0)");
  }
  return result;
}

void add_rows(Sheet& sheet, const Dataset& dataset, const std::vector<ScoredPair>& pairs,
              const std::string& heading, const Captions& captions) {
  for (size_t i = 0; i < pairs.size(); i += kPairsInRow) {
    SheetRow row;
    if (i == 0) row.heading = heading;
    for (size_t j = i; j < std::min(pairs.size(), i + kPairsInRow); ++j) {
      row.cells.push_back(cell(dataset, pairs[j], captions));
    }
    sheet.rows.push_back(std::move(row));
  }
}

void run(const PairsOptions& options) {
  const bool scored = !options.model.empty();
  if (options.threshold && !scored) {
    throw Error(ErrorKind::bad_argument, "--threshold needs --model: it is a distance of a model");
  }
  if (options.hardest && !scored) {
    throw Error(ErrorKind::bad_argument,
                "--hardest needs --model: the hardest pairs are those of a model");
  }
  if (!options.out.ends_with(".png")) {
    throw Error(ErrorKind::bad_argument,
                "--out " + options.out + ": a name that ends in .png was expected");
  }
  ThreadPool pool(0);
  std::optional<Model> model;
  Captions captions;
  if (scored) {
    model = load_model(options.model);
    captions = {true, decision_threshold(*model, options.threshold)};
  }
  LoadOptions loading;  // at their own sizes: pictures look best
  if (model) {
    loading.color = model->embedder->takes_color();
    loading.leave_out_blank = true;
  }
  const bool aligned = model && model->preprocessing.align;
  const Dataset dataset =
      load_or_make_data(options.data, pool, aligned ? loaded_for(*model) : loading);
  print_notes(dataset);
  // Several of each identity are drawn, so that the sheet can show different ones.
  const std::vector<Pair> candidates =
      options.hardest
          ? all_pairs(dataset)
          : draw_pairs(dataset, std::max(options.count, dataset.identities.size()), options.seed)
                .pairs;
  std::vector<float> distances;
  if (model) {
    distances =
        score_pairs(embed_images(*model, dataset.images, pool), candidates, model->energy, pool)
            .distance;
  }
  const auto genuine = choose(options, candidates, distances, true);
  const auto impostor = choose(options, candidates, distances, false);
  Sheet sheet;
  sheet.title = dataset.source;
  const std::string hardest = options.hardest ? ", the hardest" : "";
  add_rows(sheet, dataset, genuine, "Genuine pairs: one person (label 1)" + hardest, captions);
  add_rows(sheet, dataset, impostor, "Impostor pairs: two people (label 0)" + hardest, captions);
  write_file_atomically(options.out, encode_png(draw_sheet(sheet)));
  std::printf("%zu genuine and %zu impostor pairs: %s\n", genuine.size(), impostor.size(),
              options.out.c_str());
  if (scored && !captions.threshold) throw Exit{kUndecided, options.model + ": " + kNoThreshold};
}

}  // namespace

void add_pairs(CLI::App& program) {
  auto options = std::make_shared<PairsOptions>();
  CLI::App* command =
      program.add_subcommand("pairs", "Draw a sheet of genuine and impostor pairs to look at");
  command->footer(
      "Where neither the model nor --threshold gives a threshold, the sheet shows distances "
      "alone,\n"
      "no pair is called wrong, and the exit code is 3.\n"
      "Examples:\n"
      "  doppel pairs faces/ --out pairs.png\n"
      "  doppel pairs faces/ --model model.safetensors --hardest --out hardest.png");
  command->add_option("DATA", options->data, kDataHelp);
  command->add_option("--out", options->out, "The sheet, a PNG file")->capture_default_str();
  command->add_option("--model", options->model, "Write this model's distance under each pair");
  command->add_option("--threshold", options->threshold, "Same person below this distance")
      ->default_str("the model's");
  command->add_flag("--hardest", options->hardest,
                    "Of all pairs, the genuine ones farthest apart and the nearest impostors");
  command->add_option("--count", options->count, "Pairs of each kind")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Which pairs are drawn")->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
