// doppel data: what is in a folder or archive, and what is wrong with it, before anything is
// trained.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/base/thread_pool.h"
#include "doppel/base/words.h"
#include "doppel/data/dataset.h"
#include "doppel/error.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;

struct DataOptions {
  std::string data;
  bool as_json = false;
};

void print_report(const DatasetReport& report) {
  std::printf("%s\n", report.source.c_str());
  std::printf("  identities           %zu\n", report.identities);
  std::printf("  images               %zu\n", report.images);
  std::printf("  images per identity  %zu to %zu, median %g\n", report.least, report.most,
              report.median);
  for (const SizeCount& size : report.sizes) {
    std::printf("  size                 %d x %d (%s)\n", size.width, size.height,
                plural(size.images, "image").c_str());
  }
  for (const std::string& note : report.notes)
    std::printf("  note                 %s\n", note.c_str());
  for (const DataProblem& problem : report.problems) {
    std::printf("  problem              %s\n", problem.sentence.c_str());
  }
}

void print_report_json(const DatasetReport& report) {
  json sizes = json::array(), problems = json::array();
  for (const SizeCount& size : report.sizes) {
    sizes.push_back({{"width", size.width}, {"height", size.height}, {"images", size.images}});
  }
  for (const DataProblem& problem : report.problems) {
    problems.push_back({{"file", problem.file.string()}, {"problem", problem.sentence}});
  }
  print_json({{"source", report.source},
              {"identities", report.identities},
              {"images", report.images},
              {"images_per_identity",
               {{"least", report.least}, {"median", report.median}, {"most", report.most}}},
              {"sizes", sizes},
              {"notes", report.notes},
              {"problems", problems}});
}

void run(const DataOptions& options) {
  ThreadPool pool(0);
  const DatasetReport report = inspect_dataset(options.data, pool);
  if (options.as_json) {
    print_report_json(report);
  } else {
    print_report(report);
  }
  if (!report.problems.empty()) {
    throw Error(ErrorKind::bad_data, options.data + ": " +
                                         plural(report.problems.size(), "problem") +
                                         "; it cannot be trained on as it is");
  }
}

}  // namespace

void add_data(CLI::App& program) {
  auto options = std::make_shared<DataOptions>();
  CLI::App* command =
      program.add_subcommand("data", "Look at a folder or zip archive of identities");
  command->footer(
      "Lists every problem instead of stopping at the first; exits with 1 where there is one.\n"
      "Example: doppel data faces/");
  command
      ->add_option("DATA", options->data,
                   "Folder or zip archive with one sub-folder of images per identity")
      ->required();
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
