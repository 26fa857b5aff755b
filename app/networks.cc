// doppel networks: the pre-trained networks of this machine, and making them of what others
// publish.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/installed_networks.h"
#include "doppel/model/model.h"
#include "doppel/model/pretrained_embedder.h"
#include "measures.h"
#include "output_file.h"

namespace doppel::internal::app {
namespace {

constexpr size_t kMostBytes = size_t{1} << 28;

struct NetworksOptions {
  std::string network, points, out;
  bool as_json = false;
};

void list(const NetworksOptions& options) {
  const auto file = installed_network(kFaceNetwork);
  if (options.as_json) {
    nlohmann::json folders = nlohmann::json::array();
    for (const auto& folder : network_folders()) folders.push_back(folder.string());
    nlohmann::json face_recognition;
    if (file) {
      const Model model = load_model(*file);
      face_recognition = {{"file", file->string()},
                          {"digest", embedding_digest(model)},
                          {"embedder", model.embedder->to_json()["provenance"]}};
    }
    print_json({{"folders", folders}, {"face_recognition", face_recognition}});
    return;
  }
  if (file) {
    const Model model = load_model(*file);
    std::printf("Face recognition: %s\n", file->c_str());
    for (const auto& [label, text] : model.embedder->facts()) {
      std::printf("  %-11s %s\n", label.c_str(), text.c_str());
    }
    return;
  }
  std::printf("No network is installed; scripts/get_networks gets one. Looked for %s in\n",
              kFaceNetwork);
  for (const auto& folder : network_folders()) std::printf("  %s\n", folder.c_str());
}

void convert(const NetworksOptions& options) {
  check_writable("OUT", options.out);
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const Model model = dlib_face_model(read_file(options.network, kMostBytes), name(options.network),
                                      read_file(options.points, kMostBytes), name(options.points));
  save_model(model, options.out);
  std::printf("%s: %s\n", options.out.c_str(), model.embedder->summary().c_str());
}

}  // namespace

void add_networks(CLI::App& program) {
  auto options = std::make_shared<NetworksOptions>();
  CLI::App* command =
      program.add_subcommand("networks", "Say which pre-trained networks are installed");
  command->footer(
      "A pre-trained network recognises people whom it was not trained on, without training here.\n"
      "enroll makes new galleries with it where no model is named; the other commands take its "
      "file\n"
      "as any model. It is looked for in\n"
      "$DOPPEL_NETWORKS where that is set, else in $XDG_DATA_HOME/doppel (~/.local/share/doppel)\n"
      "and /usr/local/share/doppel. scripts/get_networks puts it there.\n"
      "Examples: doppel networks\n"
      "          doppel networks convert dlib_face_recognition_resnet_model_v1.dat \\\n"
      "            shape_predictor_5_face_landmarks.dat face_recognition.safetensors");
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  CLI::App* making = command->add_subcommand(
      "convert", "Make a model of dlib's face recognition network and its landmarks");
  making->add_option("NETWORK", options->network, "dlib_face_recognition_resnet_model_v1.dat")
      ->required();
  making->add_option("LANDMARKS", options->points, "shape_predictor_5_face_landmarks.dat")
      ->required();
  making->add_option("OUT", options->out, "The model file")->required();
  making->callback([options] { convert(*options); });
  command->callback([options, command] {
    if (command->get_subcommands().empty()) list(*options);
  });
}

}  // namespace doppel::internal::app
