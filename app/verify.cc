// doppel verify: do two photos show one person?
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/image/decode.h"
#include "doppel/loss/energy.h"
#include "doppel/model/model.h"
#include "measures.h"

namespace doppel::app {
namespace {

struct VerifyOptions {
  std::string model, a, b;
  bool as_json = false;
};

void run(const VerifyOptions& options) {
  const Model model = load_model(options.model);
  const std::vector<Image> images = {load_image(options.a), load_image(options.b)};
  ThreadPool pool(1);
  const Matrix embeddings = embed_images(model, images, pool);
  const double distance = euclidean(embeddings.row(0), embeddings.row(1));
  const bool same = distance < kTutorialThreshold;
  if (options.as_json) {
    print_json({{"a", options.a},
                {"b", options.b},
                {"distance", distance},
                {"threshold", kTutorialThreshold},
                {"same", same}});
    return;
  }
  std::printf("%s: distance %.4f, threshold %.1f\n", same ? "same" : "different", distance,
              kTutorialThreshold);
}

}  // namespace

void add_verify(CLI::App& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = program.add_subcommand("verify", "Compare two photos");
  command->footer(
      "The threshold is the tutorial's, 0.5: it is not calibrated for people the model has not\n"
      "seen. Images of another size than the model's are resized.\n"
      "Example: doppel verify model.safetensors ada_1.jpg ada_2.png");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("A", options->a, "An image (PGM, PPM, PNG, JPEG)")->required();
  command->add_option("B", options->b, "Another image")->required();
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app
