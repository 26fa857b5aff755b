// doppel info: what a model file holds and where it comes from.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/model/model.h"
#include "measures.h"

namespace doppel::app {
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

void print_info(const Model& model, const std::string& path) {
  const TrainingRecord& training = model.training;
  std::printf("%s: Doppel %s model\n", path.c_str(), model.version.c_str());
  std::printf("  pictures    %d x %d, every row and column in %d, grey 0 to 1\n",
              model.preprocessing.width, model.preprocessing.height, model.preprocessing.step);
  std::printf("  energy      %s, embeddings of %zu values\n", model.energy.c_str(),
              embedding_size(model.network));
  std::printf("  trained on  %zu identities, %zu images (%.12s), seed %llu\n", training.identities,
              training.images, training.data_digest.c_str(),
              static_cast<unsigned long long>(training.seed));
  std::printf("  recipe      %s\n", training.recipe.dump().c_str());
  std::printf("  network     %zu parameters, input %s\n", parameter_count(model.network),
              to_string(model.network.input).c_str());
  const json layers = network_to_json(model.network)["layers"];
  const std::vector<Shape> shapes = layer_shapes(model.network);
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::printf("    %2zu  %-42s %s\n", i, layer_text(layers[i]).c_str(),
                to_string(shapes[i]).c_str());
  }
  for (size_t i = 0; i < training.history.size(); ++i) {
    std::printf("  epoch %-4zu  loss %.4f  val_loss %.4f\n", i + 1, training.history[i].loss,
                training.history[i].validation_loss);
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
    history.push_back({{"loss", epoch.loss}, {"val_loss", epoch.validation_loss}});
  }
  print_json({{"model", options.model},
              {"version", model.version},
              {"network", network_to_json(model.network)},
              {"parameters", parameter_count(model.network)},
              {"embedding_size", embedding_size(model.network)},
              {"preprocessing",
               {{"width", model.preprocessing.width},
                {"height", model.preprocessing.height},
                {"step", model.preprocessing.step}}},
              {"energy", model.energy},
              {"recipe", model.training.recipe},
              {"seed", model.training.seed},
              {"history", history},
              {"data",
               {{"digest", model.training.data_digest},
                {"identities", model.training.identities},
                {"images", model.training.images}}}});
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

}  // namespace doppel::app
