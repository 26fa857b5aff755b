// doppel calibrate: a threshold for a model, chosen on people that it has not seen.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/eval/calibration.h"
#include "doppel/model/model.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/pipeline/strangers.h"
#include "measures.h"
#include "notices.h"
#include "output_file.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

struct CalibrateOptions {
  std::string model, out;
  DataSource data;
  double far = 0.01;
  int threads = 0;
  bool allow_seen = false, as_json = false;
};

void print_choice(const Calibration& calibration, const Dataset& people,
                  const CalibrateOptions& options, const std::string& written) {
  const Verification& v = calibration.verification;
  std::printf("On %s (%s, %zu genuine and %zu impostor pairs):\n",
              plural(people.identities.size(), "person").c_str(),
              plural(people.images.size(), "image").c_str(), v.genuine, v.impostor);
  std::printf("  EER        %8s\n", percent(v.eer).c_str());
  std::printf("  threshold  %8.4f  (%s)\n", calibration.threshold.value,
              threshold_text(calibration.threshold).c_str());
  std::printf("  TAR        %8s  at this threshold\n", percent(calibration.threshold.tar).c_str());
  if (!calibration.resolved) {
    std::printf("%s", unresolved_text(options.far).c_str());
  }
  std::printf("Written to %s\n", written.c_str());
}

void run(const CalibrateOptions& options) {
  Model model = load_model(options.model);
  const bool beside = model.embedder->stays_in_its_file();
  if (!beside && options.out.empty()) {
    throw Error(ErrorKind::bad_argument,
                "--out: a file for the model with its new threshold was expected");
  }
  if (beside && !options.out.empty()) {
    throw Error(ErrorKind::bad_argument, "--out " + options.out +
                                             ": the threshold of an ONNX network goes into " +
                                             description_of(options.model).string());
  }
  if (!options.out.empty()) check_writable("--out", options.out);
  ThreadPool pool(options.threads);
  const Dataset people = options.data.load(pool, loaded_for(model));
  print_notes(people);
  say_notice(unhashed_note(model));
  const SeenOverlap seen = check_namesakes(model, people, options.allow_seen, kAllowSeen);
  Calibration calibration = calibrate(model, people, options.far, pool);
  calibration.threshold.namesakes = !seen.empty();
  model.threshold = calibration.threshold;
  // Who chose the threshold is no stranger to it.
  model.training.seen = joined(model.training.seen, remember(people));
  const std::string written = beside ? description_of(options.model).string() : options.out;
  if (beside) {
    write_file_atomically(written, describe_embedder(model).dump(2) + "\n");
  } else {
    save_model(model, written);
  }
  if (!options.as_json) {
    print_choice(calibration, people, options, written);
    std::printf("%s", mark_text(seen).c_str());
    return;
  }
  const Verification& v = calibration.verification;
  print_json({{"model", options.model},
              {"written", written},
              {"data", {{"source", people.source}, {"digest", people.digest}}},
              {"identities", people.identities.size()},
              {"images", people.images.size()},
              {"pairs", {{"genuine", v.genuine}, {"impostor", v.impostor}}},
              {"eer", v.eer},
              {"auc", v.auc},
              {"far", options.far},
              {"far_resolved", calibration.resolved},
              {"seen_in_training", !seen.empty()},
              {"seen", to_json(seen)},
              {"threshold", to_json(calibration.threshold)}});
}

}  // namespace

void add_calibrate(CLI::App& program) {
  auto options = std::make_shared<CalibrateOptions>();
  CLI::App* command =
      program.add_subcommand("calibrate", "Choose a model's threshold on people it has not seen");
  command->footer(
      "The people count as seen afterwards: figures on them would flatter the threshold. Those "
      "that\n"
      "the model has seen are refused. The threshold of an ONNX network goes into its description\n"
      "beside it.\n"
      "Examples:\n"
      "  doppel calibrate model.safetensors other_people/ --far 0.001 --out strict.safetensors\n"
      "  doppel calibrate theirs.onnx other_people/");
  command->add_option("MODEL", options->model, "A model file")->required();
  options->data.add_to(*command);
  command->add_option("--far", options->far, "FAR that the threshold is chosen for")
      ->check(CLI::Range(kLeastRate, kMostRate))
      ->capture_default_str();
  command->add_flag("--allow-seen", options->allow_seen,
                    "Also people whose names alone the model knows; the threshold is marked");
  command->add_option("--out", options->out, "The new model file; not for an ONNX network");
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
