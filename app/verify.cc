// doppel verify: do two photos show one person?
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"
#include "exit_code.h"
#include "faces_option.h"
#include "measures.h"
#include "notices.h"

namespace doppel::internal::app {
namespace {

struct VerifyOptions {
  std::string model, a, b;
  std::optional<double> threshold;
  std::string faces = "one";
  bool as_json = false, exit_code = false;
};

// Both photos. Throws Exit where there is nothing that could be compared.
std::vector<EmbeddedPhoto> embed_two(const VerifyOptions& options, const Model& model) {
  const PhotoEmbedder embedder(model);
  const FaceChoice choice = single_face_choice(options.faces);
  const PhotoSource photos[] = {PhotoSource::of_file(options.a), PhotoSource::of_file(options.b)};
  ThreadPool pool(1);
  try {
    return embedder.embed(photos, {.choice = choice, .all_or_nothing = true}, pool);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;
    throw Exit{kUndecided, error.what()};
  }
}

void print_verdict(const Model& model, double distance, const VerifyOptions& options,
                   std::optional<double> threshold) {
  if (!threshold) {
    std::printf("undecided: distance %.4f\n", distance);
    return;
  }
  const std::string origin =
      options.threshold ? "as --threshold says" : threshold_text(*model.threshold);
  std::printf("%s: distance %.4f, threshold %.4g (%s)\n",
              distance < *threshold ? "same" : "different", distance, *threshold, origin.c_str());
  if (!model.threshold) return;
  const double far = far_at(model.threshold->curve, distance);
  std::printf("Of two different people %s %.2g %% come as near or nearer\n",
              far <= model.threshold->curve.points.front().far ? "at most" : "about", 100 * far);
}

void print_verdict_json(const Model& model, double distance, const VerifyOptions& options,
                        std::optional<double> threshold) {
  nlohmann::json document = {{"a", options.a},
                             {"b", options.b},
                             {"distance", distance},
                             {"threshold", to_json(threshold)},
                             {"threshold_from", nullptr},
                             {"same", nullptr},
                             {"far", nullptr}};
  if (threshold) {
    document["threshold_from"] = options.threshold ? "option" : "model";
    document["same"] = distance < *threshold;
  }
  if (model.threshold) {
    document["far"] = far_at(model.threshold->curve, distance);
    if (!options.threshold) document["calibration"] = to_json(*model.threshold);
  }
  print_json(document);
}

// Whether they are the same. Throws Exit where nothing says so or otherwise.
bool run(const VerifyOptions& options) {
  const Model model = load_model(options.model);
  const std::optional<double> threshold = decision_threshold(model, options.threshold);
  const std::vector<EmbeddedPhoto> photos = embed_two(options, model);
  if (model.training.synthetic && !(photos[0].synthetic && photos[1].synthetic)) {
    say_notice(options.model +
               " was trained on synthetic faces and mistakes people for one another: its answers "
               "mean nothing of people");
  }
  const double distance =
      energy_of(model.energy, photos[0].faces.front().embedding, photos[1].faces.front().embedding);
  (options.as_json ? print_verdict_json : print_verdict)(model, distance, options, threshold);
  if (!threshold) throw Exit{kUndecided, options.model + ": " + kNoThreshold};
  return distance < *threshold;
}

}  // namespace

void add_verify(CLI::App& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = program.add_subcommand("verify", "Compare two photos");
  command->footer(
      "The threshold is the one that was chosen on people kept from the training (train --far), "
      "or\n"
      "by doppel calibrate. Where there is none, and --threshold says none, the distance alone is\n"
      "given, nothing is decided, and the exit code is 3; so it is where a photo shows no face.\n"
      "Images of another size than the model's are resized.\n"
      "How often two different people come as near is estimated from the same people (--json: "
      "far).\n"
      "Two photos that are alike show no living person: a photo of a photo is \"same\", too.\n"
      "Examples: doppel verify model.safetensors ada_1.jpg ada_2.png\n"
      "          doppel verify model.safetensors ada_1.jpg ada_2.png --exit-code && echo alike");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("A", options->a, "An image (PGM, PPM, PNG, JPEG, WebP)")->required();
  command->add_option("B", options->b, "Another image")->required();
  command->add_option("--threshold", options->threshold, "Same person below this distance")
      ->default_str("the model's");
  add_faces_option(*command, options->faces);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->add_flag("--exit-code", options->exit_code,
                    "End with 0 for the same person, 1 for different ones, 3 where they could not "
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
        if (error.kind() == ErrorKind::bad_argument) throw;
        throw Exit{kUndecided, error.what()};
      }
    }();
    if (!same) throw Exit{kFailed, ""};
  });
}

}  // namespace doppel::internal::app
