// doppel embed: images to embeddings, for whatever else one wants to do with them.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/eval/npy.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"
#include "faces_option.h"
#include "measures.h"
#include "progress.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

struct EmbedOptions {
  std::string model, out;
  std::vector<std::string> images;
  std::string faces = "one";
  int threads = 0;
};

std::string encode_csv(const std::vector<std::filesystem::path>& files, const Matrix& matrix) {
  std::string text = "file";
  for (size_t k = 0; k < matrix.columns; ++k) text += ",e" + std::to_string(k);
  text += '\n';
  for (size_t i = 0; i < files.size(); ++i) {
    text += csv_field(files[i].string());
    for (float value : matrix.row(i)) {
      char number[32];
      std::snprintf(number, sizeof number, ",%.9g", static_cast<double>(value));
      text += number;
    }
    text += '\n';
  }
  return text;
}

void run(const EmbedOptions& options) {
  const bool npy = options.out.ends_with(".npy");
  if (!options.out.empty() && !npy && !options.out.ends_with(".csv")) {
    throw Error(ErrorKind::bad_argument,
                "--out " + options.out + ": a name that ends in .npy or .csv was expected");
  }
  const Model model = load_model(options.model);
  const PhotoEmbedder embedder(model);
  const FaceChoice choice = single_face_choice(options.faces);
  const std::vector<std::filesystem::path> files = image_files(options.images);
  std::vector<PhotoSource> sources;
  for (const std::filesystem::path& file : files) {
    sources.push_back(PhotoSource::of_file(file.string()));
  }
  ThreadPool pool(options.threads);
  Progress progress;
  const std::vector<EmbeddedPhoto> photos =
      embedder.embed(sources, {.choice = choice, .all_or_nothing = true}, pool, [&](size_t done) {
        progress.show("Embedding", done, files.size(), "",
                      static_cast<double>(done) / static_cast<double>(files.size()));
      });
  progress.clear();
  Matrix embeddings(0, embedder.embedder().size());
  for (const EmbeddedPhoto& photo : photos) embeddings.append(photo.faces.front().embedding);
  if (options.out.empty()) {
    std::fputs(encode_csv(files, embeddings).c_str(), stdout);
    return;
  }
  write_file_atomically(options.out, npy ? encode_npy(embeddings) : encode_csv(files, embeddings));
  std::printf("%zu embeddings of %zu values: %s\n", embeddings.rows, embeddings.columns,
              options.out.c_str());
}

}  // namespace

void add_embed(CLI::App& program) {
  auto options = std::make_shared<EmbedOptions>();
  CLI::App* command = program.add_subcommand("embed", "Write the embeddings of images");
  command->footer(
      "A .npy file holds one row of 32-bit floats per image, in the order given (a folder's files\n"
      "in natural order); a .csv file has the file's name in front of each row.\n"
      "Example: doppel embed model.safetensors photos/ --out photos.npy");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("IMAGES", options->images, "Images, or folders of them")->required();
  command->add_option("--out", options->out,
                      "x.npy or x.csv; without it CSV goes to standard output");
  add_faces_option(*command, options->faces);
  add_threads_option(*command, options->threads);
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
