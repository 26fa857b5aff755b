// doppel export: a model as an ONNX network, for programs that do not know ours.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/model.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/onnx_export.h"
#include "doppel/onnx/backend.h"
#include "output_file.h"

namespace doppel::internal::app {
namespace {

struct ExportOptions {
  std::string model, out, licence;
};

void run(const ExportOptions& options) {
  if (!options.out.ends_with(".onnx")) {
    throw Error(ErrorKind::bad_argument,
                "OUT " + options.out + ": a name that ends in .onnx was expected");
  }
  constexpr size_t kMostLicenceBytes = 1 << 20;
  const std::string licence =
      options.licence.empty() ? "" : read_file(options.licence, kMostLicenceBytes);
  const Model model = load_model(options.model);
  const OnnxGraph graph = onnx_graph(model, licence);
  const std::string bytes = onnx_backend().encode(graph);
  check_writable("OUT", options.out);
  const std::string description = description_of(options.out).string();
  write_file_atomically(options.out, bytes);
  write_file_atomically(description, describe_embedder(model).dump(2) + "\n");
  std::printf("%s: input N x %lld x %lld x %lld, embedding N x %zu; %.1f MB\n", options.out.c_str(),
              static_cast<long long>(graph.input[0]), static_cast<long long>(graph.input[1]),
              static_cast<long long>(graph.input[2]), embedding_size(model),
              static_cast<double>(bytes.size()) / 1e6);
  std::printf("  input       %s\n", graph.metadata.at("input").c_str());
  std::printf("  described   %s: with it this program reads the network as a model\n",
              description.c_str());
}

}  // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      program.add_subcommand("export", "Write a model as an ONNX network for other programs");
  command->footer(
      "The network is all that makes an embedding of a prepared picture: views, every member,\n"
      "gradients, lengths, in ONNX's standard operators. What a picture must be prepared to, the\n"
      "threshold and where the model comes from stand in the file's metadata.\n"
      "Example: doppel export model.safetensors model.onnx");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("OUT", options->out, "The ONNX file; its description becomes OUT.json")
      ->required();
  command->add_option("--licence", options->licence,
                      "A text file that goes into the metadata: what others may do with the model");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
