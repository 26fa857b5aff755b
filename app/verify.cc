// doppel verify: do two photos show one person?
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>

#include "commands.h"
#include "doppel/base/error.h"
#include "doppel/loss/energy.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"
#include "faces_option.h"
#include "measures.h"

namespace doppel::app {
namespace {

struct VerifyOptions {
  std::string model, a, b;
  std::optional<double> threshold;
  std::string faces = "one";
  bool as_json = false, exit_code = false;
};

// Whether they are the same.
bool run(const VerifyOptions& options) {
  if (options.threshold && !std::isfinite(*options.threshold)) {
    throw Error(ErrorKind::bad_argument, "--threshold: a finite number was expected");
  }
  const Model model = load_model(options.model);
  const PhotoFaces photos(model);
  const FaceChoice choice = single_face_choice(options.faces);
  std::vector<Image> images;
  for (const std::string& path : {options.a, options.b}) {
    images.push_back(photos.load(path, choice).front().image);
  }
  ThreadPool pool(1);
  const Matrix embeddings = embed_images(model, images, pool);
  const double distance = energy_of(model.energy, embeddings.row(0), embeddings.row(1));
  const double threshold = options.threshold.value_or(decision_threshold(model));
  const bool calibrated = !options.threshold && model.threshold;
  const bool same = distance < threshold;
  std::optional<double> far;
  if (model.threshold) far = far_at(model.threshold->curve, distance);
  if (options.as_json) {
    nlohmann::json document = {{"a", options.a},
                               {"b", options.b},
                               {"distance", distance},
                               {"threshold", threshold},
                               {"threshold_from", options.threshold ? "option"
                                                  : calibrated      ? "model"
                                                                    : "tutorial"},
                               {"same", same},
                               {"far", to_json(far)}};
    if (calibrated) document["calibration"] = to_json(*model.threshold);
    print_json(document);
    return same;
  }
  std::string origin = "as --threshold says";
  if (calibrated) origin = threshold_text(*model.threshold);
  if (!options.threshold && !calibrated) {
    origin = "the tutorial's: this model has no calibrated one";
  }
  std::printf("%s: distance %.4f, threshold %.4g (%s)\n", same ? "same" : "different", distance,
              threshold, origin.c_str());
  if (far) {
    std::printf("Of two different people %s %.2g %% come as near or nearer\n",
                *far <= model.threshold->curve.points.front().far ? "at most" : "about",
                100 * *far);
  }
  return same;
}

}  // namespace

void add_verify(CLI::App& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = program.add_subcommand("verify", "Compare two photos");
  command->footer(
      "The threshold is the one that was chosen on people kept from the training (train --far). A\n"
      "model without one is judged at the tutorial's, 0.5, which says nothing about people that "
      "the\n"
      "model has not seen. Images of another size than the model's are resized.\n"
      "How often two different people come as near is estimated from the same people (--json: "
      "far).\n"
      "Examples: doppel verify model.safetensors ada_1.jpg ada_2.png\n"
      "          doppel verify model.safetensors badge.jpg door.jpg --exit-code && open_door");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("A", options->a, "An image (PGM, PPM, PNG, JPEG, WebP)")->required();
  command->add_option("B", options->b, "Another image")->required();
  command->add_option("--threshold", options->threshold, "Same person below this distance")
      ->default_str("the model's");
  add_faces_option(*command, options->faces);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->add_flag("--exit-code", options->exit_code,
                    "End with 0 for the same person, 1 for different ones, 2 where they could not "
                    "be compared");
  command->callback([options] {
    if (!options->exit_code) {
      run(*options);
      return;
    }
    const bool same = [&] {
      try {
        return run(*options);
      } catch (const Error& error) {
        throw Exit{2, error.what()};
      }
    }();
    if (!same) throw Exit{1, ""};
  });
}

}  // namespace doppel::app
