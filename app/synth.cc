// doppel synth: synthetic faces, where no data set is at hand.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "doppel/data/synthetic.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

struct SynthOptions {
  std::string folder;
  int identities = 40, images = 10;
  uint64_t seed = 1;
};

void run(const SynthOptions& options) {
  watch_for_stop();
  write_synthetic(options.folder, options.identities, options.images, options.seed, check_stop);
  std::printf("%d images of %d synthetic people: %s\n", options.identities * options.images,
              options.identities, options.folder.c_str());
}

}  // namespace

void add_synth(CLI::App& program) {
  auto options = std::make_shared<SynthOptions>();
  CLI::App* command = program.add_subcommand("synth", "Draw synthetic faces into a folder");
  command->footer(
      "92 x 112 grey PGM files in the layout of the AT&T faces: DIR/s1/1.pgm ...\n"
      "Example: doppel synth faces/ --identities 40 --images 10 --seed 1");
  command->add_option("DIR", options->folder, "A new or empty folder")->required();
  command->add_option("--identities", options->identities, "People")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--images", options->images, "Images of each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Which people")->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
