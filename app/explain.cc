// doppel explain: which regions of two photos make them alike or different for a model?
#include "doppel/report/explain.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "commands.h"
#include "doppel/base/file.h"
#include "doppel/image/encode.h"
#include "doppel/model/photo_faces.h"
#include "faces_option.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

struct ExplainOptions {
  std::string model, a, b, out = "heat.png";
  Occlusion occlusion;
  std::string faces = "one";
  int threads = 0;
};

std::string verdict_of(double distance, const Model& model) {
  char text[96];
  if (!model.threshold) {
    std::snprintf(text, sizeof text, "distance %.4f", distance);
  } else {
    std::snprintf(text, sizeof text, "distance %.4f, threshold %.4f: %s", distance,
                  model.threshold->value, distance < model.threshold->value ? "same" : "different");
  }
  return text;
}

void run(const ExplainOptions& options) {
  const Model model = load_model(options.model);
  const PhotoFaces photos(model);
  const FaceChoice choice = single_face_choice(options.faces);
  const Image a = face_of(photos, choice, options.a);
  const Image b = face_of(photos, choice, options.b);
  ThreadPool pool(options.threads);
  const Explanation explanation = explain(model, a, b, options.occlusion, pool);
  const std::string verdict = verdict_of(explanation.distance, model);
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  write_file_atomically(
      options.out,
      encode_png(draw_explanation(explanation, {name(options.a), name(options.b)}, verdict)));
  std::printf("%s: %s\n", options.out.c_str(), verdict.c_str());
}

}  // namespace

void add_explain(CLI::App& program) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command =
      program.add_subcommand("explain", "Show which regions make two photos alike or different");
  command->footer(
      "A grey patch slides over each photo; where hiding a place moves the two apart it had made\n"
      "them alike (blue), where it brings them together it had made them different (orange).\n"
      "Example: doppel explain model.safetensors ada_1.jpg ada_2.png --out heat.png");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("A", options->a, "An image (PGM, PPM, PNG, JPEG, WebP)")->required();
  command->add_option("B", options->b, "Another image")->required();
  command->add_option("--out", options->out, "The picture, a PNG file")->capture_default_str();
  command
      ->add_option("--patch", options->occlusion.side,
                   "Side of the patch in pixels of the model's pictures")
      ->check(CLI::PositiveNumber)
      ->default_str("a sixth of the picture");
  command->add_option("--stride", options->occlusion.stride, "Pixels from one place to the next")
      ->check(CLI::PositiveNumber)
      ->default_str("a third of the patch");
  add_faces_option(*command, options->faces);
  add_threads_option(*command, options->threads);
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
