// doppel verify: do two photos show one person?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "commands.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"
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

// The embeddings of both photos. Throws Exit where there is not one face on each, or nothing that
// could be compared.
Matrix embed_two(const VerifyOptions& options, const Model& model) {
  const PhotoFaces photos(model);
  const FaceChoice choice = single_face_choice(options.faces);
  std::vector<Image> images;
  for (const std::string& path : {options.a, options.b}) {
    images.push_back(face_of(photos, choice, path));
  }
  ThreadPool pool(1);
  EachEmbedding embeddings = Embedder(model).embed_each(images, pool);
  for (size_t i = 0; i < 2; ++i) {
    if (!embeddings.faults[i]) continue;
    throw Exit{kUndecided,
               (i == 0 ? options.a : options.b) + ": its embedding " + *embeddings.faults[i]};
  }
  return std::move(embeddings.rows);
}

bool is_synthetic_photo(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(kSyntheticMarkBytes, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return is_synthetic_file(start);
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
  const Matrix embeddings = embed_two(options, model);
  if (model.training.synthetic &&
      !(is_synthetic_photo(options.a) && is_synthetic_photo(options.b))) {
    say_notice(options.model +
               " was trained on synthetic faces and mistakes people for one another: its answers "
               "mean nothing of people");
  }
  const double distance = energy_of(model.energy, embeddings.row(0), embeddings.row(1));
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
