// doppel info: what a model file holds and where it comes from.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/model/model.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;

struct InfoOptions {
  std::string model;
  bool as_json = false;
};

std::string threshold_line(const Model& model) {
  if (!model.threshold) return "none was calibrated";
  std::string line =
      std::to_string(model.threshold->value) + ", " + threshold_text(*model.threshold);
  if (!model.threshold->photos) {
    line += "; photos unlike theirs go unnoticed, as an older program calibrated it";
  }
  return line;
}

void print_seen(const SeenPeople& seen) {
  std::printf(
      "  seen        %zu identities and %zu images that it tells of, %zu perceptual hashes\n",
      seen.identities.size(), seen.images.size(), seen.hashes.size());
}

json seen_counts(const SeenPeople& seen) {
  return {{"seen_identities", seen.identities.size()},
          {"seen_images", seen.images.size()},
          {"seen_hashes", seen.hashes.size()}};
}

void print_info(const Model& model, const std::string& path) {
  const TrainingRecord& training = model.training;
  const std::string title =
      model.version.empty() ? model.embedder->summary() : "Doppel " + model.version + " model";
  std::printf("%s: %s\n", path.c_str(), title.c_str());
  const Preprocessing& input = model.preprocessing;
  std::string thinned;
  if (input.subsampling > 1)
    thinned = ", every row and column in " + std::to_string(input.subsampling);
  std::printf("  pictures    %s%d x %d%s%s\n", input.align ? "aligned faces, " : "", input.width,
              input.height, thinned.c_str(), input.standardize ? ", mean 0 and deviation 1" : "");
  std::printf("  energy      %s, embeddings of %zu values\n", to_string(model.energy.kind).c_str(),
              embedding_size(model));
  std::printf("  threshold   %s\n", threshold_line(model).c_str());
  const char* const drawn = training.synthetic ? "synthetic faces: not for people" : "";
  if (!training.recipe.is_null()) {
    std::printf("  trained on  %zu identities, %zu images (%.12s), seed %llu%s%s\n",
                training.identities, training.images, training.data_digest.c_str(),
                static_cast<unsigned long long>(training.seed), training.synthetic ? "; " : "",
                drawn);
  } else if (training.synthetic) {
    std::printf("  trained on  %s\n", drawn);
  }
  print_seen(training.seen);
  if (!training.recipe.is_null()) std::printf("  recipe      %s\n", training.recipe.dump().c_str());
  for (const auto& [label, fact] : model.embedder->facts()) {
    std::printf("  %-10s  %s\n", label.c_str(), fact.c_str());
  }
  for (size_t i = 0; i < training.history.size(); ++i) {
    const EpochLosses& losses = training.history[i];
    std::printf("  epoch %-4zu  loss %.4f", i + 1, losses.loss);
    if (losses.validation_loss) std::printf("  val_loss %.4f", *losses.validation_loss);
    std::printf("\n");
  }
}

void run(const InfoOptions& options) {
  const Model model = load_model(options.model);
  if (!options.as_json) {
    print_info(model, options.model);
    return;
  }
  json history = json::array();
  for (const EpochLosses& epoch : model.training.history) {
    history.push_back(losses_to_json(epoch));
  }
  json document = {{"model", options.model},
                   {"version", model.version},
                   {"embedding_digest", embedding_digest(model)},
                   {"embedding_size", embedding_size(model)},
                   {"preprocessing",
                    {{"width", model.preprocessing.width},
                     {"height", model.preprocessing.height},
                     {"step", model.preprocessing.subsampling},
                     {"standardize", model.preprocessing.standardize},
                     {"align", model.preprocessing.align}}},
                   {"threshold", model.threshold ? to_json(*model.threshold) : json()},
                   {"energy", to_string(model.energy.kind)},
                   {"recipe", model.training.recipe},
                   {"seed", model.training.seed},
                   {"history", history},
                   {"data",
                    {{"digest", model.training.data_digest},
                     {"identities", model.training.identities},
                     {"images", model.training.images},
                     {"synthetic", model.training.synthetic}}}};
  document.update(model.embedder->to_json());
  document.update(seen_counts(model.training.seen));
  print_json(document);
}

}  // namespace

void add_info(CLI::App& program) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = program.add_subcommand("info", "Show what a model file holds");
  command->footer("Example: doppel info model.safetensors");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
