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

// A layer's description on one line: "conv filters=6 kernel=3 padding=valid".
std::string layer_text(const json& layer) {
  std::string text = layer["type"].get<std::string>();
  for (const auto& [key, value] : layer.items()) {
    if (key == "type") continue;
    text += " " + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

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

void print_foreign(const Model& model, const std::string& path) {
  const ForeignNetwork& foreign = *model.foreign;
  std::printf("%s: an ONNX network, described by %s\n", path.c_str(), description_of(path).c_str());
  const Preprocessing& input = model.preprocessing;
  std::printf("  pictures    %d x %d, %s, %s\n", input.width, input.height,
              to_string(foreign.channels).c_str(), input.align ? "aligned faces" : "as they are");
  std::string mean;
  for (const double value : foreign.mean) mean += " " + json(value).dump();
  std::printf("  samples     of 0 to 255, minus%s, times %g%s\n", mean.c_str(), foreign.scale,
              input.standardize ? "; mean 0 and deviation 1" : "");
  std::printf("  energy      %s, embeddings of %zu values\n", to_string(model.energy.kind).c_str(),
              embedding_size(model));
  std::printf("  threshold   %s\n", threshold_line(model).c_str());
  if (model.training.synthetic) std::printf("  trained on  synthetic faces: not for people\n");
  print_seen(model.training.seen);
  std::printf("  digest      %s\n", foreign.digest.c_str());
}

void print_info(const Model& model, const std::string& path) {
  const TrainingRecord& training = model.training;
  std::printf("%s: Doppel %s model\n", path.c_str(), model.version.c_str());
  const Preprocessing& input = model.preprocessing;
  std::string thinned;
  if (input.step > 1) thinned = ", every row and column in " + std::to_string(input.step);
  std::printf("  pictures    %s%d x %d%s, %s\n", input.align ? "aligned faces, " : "", input.width,
              input.height, thinned.c_str(),
              input.standardize ? "mean 0 and deviation 1" : "grey 0 to 1");
  std::printf("  views       %zu of each picture\n", model.views.count());
  if (model.gradients.weight > 0) {
    std::printf("  gradients   %zu values beside the networks, weight %g\n",
                model.gradients.whitening.size(), model.gradients.weight);
  }
  std::printf("  energy      %s, embeddings of %zu values\n", to_string(model.energy.kind).c_str(),
              embedding_size(model));
  std::printf("  threshold   %s\n", threshold_line(model).c_str());
  std::printf("  trained on  %zu identities, %zu images (%.12s), seed %llu%s\n",
              training.identities, training.images, training.data_digest.c_str(),
              static_cast<unsigned long long>(training.seed),
              training.synthetic ? "; synthetic faces: not for people" : "");
  print_seen(training.seen);
  std::printf("  recipe      %s\n", training.recipe.dump().c_str());
  std::printf("  networks    %zu, of %zu parameters, input %s\n", model.members.size(),
              parameter_count(model.network), to_string(model.network.input).c_str());
  const json layers = network_to_json(model.network)["layers"];
  const std::vector<Shape> shapes = layer_shapes(model.network);
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::printf("    %2zu  %-42s %s\n", i, layer_text(layers[i]).c_str(),
                to_string(shapes[i]).c_str());
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
  if (model.foreign) {
    if (!options.as_json) {
      print_foreign(model, options.model);
      return;
    }
    json document = describe_embedder(model);
    document.erase("seen");
    document.update({{"model", options.model},
                     {"digest", model.foreign->digest},
                     {"embedding_size", embedding_size(model)}});
    document.update(seen_counts(model.training.seen));
    print_json(document);
    return;
  }
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
                   {"network", network_to_json(model.network)},
                   {"parameters", parameter_count(model.network)},
                   {"members", model.members.size()},
                   {"embedding_size", embedding_size(model)},
                   {"preprocessing",
                    {{"width", model.preprocessing.width},
                     {"height", model.preprocessing.height},
                     {"step", model.preprocessing.step},
                     {"standardize", model.preprocessing.standardize},
                     {"align", model.preprocessing.align}}},
                   {"views", views_to_json(model.views)},
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
