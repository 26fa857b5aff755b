// doppel eval: what a trained model does on a folder of people.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "data_source.h"
#include "doppel/eval/baselines.h"
#include "doppel/eval/crossval.h"
#include "doppel/model/model.h"
#include "measures.h"
#include "recipe_options.h"

namespace doppel::app {
namespace {

using nlohmann::json;

struct EvalOptions {
  std::string model, data;
  int threads = 0;
  bool as_json = false;
};

void print_row(const char* name, const PeopleMeasures& m) {
  std::printf("%-18s  %8s  %8.4f  %14s  %12s\n", name, percent(m.verification.eer).c_str(),
              m.verification.auc, percent(m.verification.tar_at_far_1pct).c_str(),
              percent(m.one_shot.accuracy).c_str());
}

json measures_json(const PeopleMeasures& m) {
  return {{"eer", m.verification.eer},
          {"eer_threshold", m.verification.eer_threshold},
          {"auc", m.verification.auc},
          {"tar_at_far_1pct", m.verification.tar_at_far_1pct},
          {"far_1pct_resolved", m.verification.far_1pct_resolved},
          {"one_shot", m.one_shot.accuracy},
          {"ways", m.one_shot.ways}};
}

void run(const EvalOptions& options) {
  const Model model = load_model(options.model);
  ThreadPool pool(options.threads > 0 ? options.threads : ThreadPool::available_threads());
  const Dataset people = load_or_make_data(options.data, pool);
  print_notes(people);
  const Matrix embeddings = embed_images(model, people.images, pool);
  const PeopleMeasures network = measure_people(embeddings, people);
  const PeopleMeasures pixels =
      measure_people(preprocess(people.images, model.preprocessing), people);
  const ThresholdCounts counts =
      at_threshold(score_pairs(embeddings, all_pairs(people)), kTutorialThreshold);
  const bool seen = people.digest == model.training.data_digest;
  const Verification& v = network.verification;
  if (options.as_json) {
    json document = measures_json(network);
    document["model"] = options.model;
    document["data"] = {{"source", people.source},
                        {"digest", people.digest},
                        {"identities", people.identities.size()},
                        {"images", people.images.size()}};
    document["seen_in_training"] = seen;
    document["collapsed"] = v.collapsed;
    document["pairs"] = {{"genuine", v.genuine}, {"impostor", v.impostor}};
    document["mean_distance"] = {{"genuine", v.mean_genuine_distance},
                                 {"impostor", v.mean_impostor_distance}};
    document["at_threshold"] = {{"threshold", kTutorialThreshold},
                                {"precision", to_json(counts.precision())},
                                {"accuracy", counts.accuracy()},
                                {"recall", counts.recall()}};
    document["baselines"] = {{"pixels", measures_json(pixels)}};
    print_json(document);
    return;
  }
  std::printf("Data: %s: %zu identities, %zu images; %zu genuine and %zu impostor pairs\n\n",
              people.source.c_str(), people.identities.size(), people.images.size(), v.genuine,
              v.impostor);
  std::printf("%-18s  %8s  %8s  %14s  %5zu-way\n", "", "EER", "AUC", "TAR @ 1 % FAR",
              network.one_shot.ways);
  print_row("this model", network);
  print_row("nearest pixels", pixels);
  std::printf("\nAt distance %.1f: precision %s, accuracy %s, recall %s\n", kTutorialThreshold,
              percent(counts.precision()).c_str(), percent(counts.accuracy()).c_str(),
              percent(counts.recall()).c_str());
  std::printf("Mean distance: genuine %.3f, impostor %.3f\n", v.mean_genuine_distance,
              v.mean_impostor_distance);
  if (v.collapsed) std::printf("The embedding collapsed: all distances are alike.\n");
  if (!v.far_1pct_resolved) {
    std::printf("With %zu impostor pairs, 1 %% FAR is not resolved.\n", v.impostor);
  }
  if (seen) {
    std::printf(
        "The model was trained on exactly these images: this is no measure of unseen people.\n");
  }
}

}  // namespace

void add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = program.add_subcommand("eval", "Measure a model on a folder of people");
  command->footer("Example: doppel eval model.safetensors other_people/");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("DATA", options->data, kDataHelp);
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app
