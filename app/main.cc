// The program `doppel`: hands over to a subcommand and turns what it throws into one line on
// standard error and an exit code (exit_code.h).
#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <span>
#include <sstream>
#include <string>

#include "commands.h"
#include "doppel/base/credentials.h"
#include "doppel/error.h"
#include "doppel/gallery/location.h"
#include "doppel/nn/simd.h"
#include "exit_code.h"
#include "heap.h"
#include "option_values.h"
#include "stop.h"

namespace {

using doppel::internal::app::ExitCode;

// What is said about an argument that is a URL where none belongs, or one with blanks in it.
std::string without_passwords(std::string text, std::span<char* const> arguments) {
  for (const std::string argument : arguments) {
    const size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string value = equals == std::string::npos ? argument : argument.substr(equals + 1);
    std::string shown;
    try {
      shown = doppel::internal::word_without_credentials(doppel::internal::shown_location(value));
    } catch (const doppel::Error&) {  // the library that would know is not installed
      shown = "postgresql://...";
    }
    if (shown == value) continue;
    // As it was given, and as an Error holds it.
    for (const std::string& said : {value, doppel::internal::without_credentials(value)}) {
      for (size_t at = text.find(said); at != std::string::npos;
           at = text.find(said, at + shown.size())) {
        text.replace(at, said.size(), shown);
      }
    }
  }
  return doppel::internal::without_credentials(text);
}

ExitCode run(int argc, char** argv) {
  using namespace doppel::internal::app;
  CLI::App program{
      "Doppel trains a twin network on a folder of faces and compares people by it.\n"
      "Environment: DOPPEL_DATA, where data sets lie; DOPPEL_NETWORKS, where pre-trained networks\n"
      "lie; DOPPEL_SIMD, an instruction set to use instead of the best one."};
  program.name("doppel");
  program.set_version_flag("--version", "doppel " DOPPEL_VERSION);
  program.require_subcommand(1);
  program.footer(doppel::internal::app::kExitCodes +
                 std::string("Example: doppel train faces/ --out model.safetensors"));
  program.get_formatter()->column_width(34);
  add_train(program);
  add_crossval(program);
  add_calibrate(program);
  add_eval(program);
  add_oneshot(program);
  add_report(program);
  add_explain(program);
  add_enroll(program);
  add_identify(program);
  add_watch(program);
  add_serve(program);
  add_gallery(program);
  add_key(program);
  add_embed(program);
  add_cluster(program);
  add_verify(program);
  add_export(program);
  add_pairs(program);
  add_data(program);
  add_synth(program);
  add_info(program);
  add_networks(program);
  add_manual(program);
  check_option_values(program);
  try {
    if (const char* simd = std::getenv("DOPPEL_SIMD"); simd != nullptr && *simd != '\0') {
      doppel::internal::use_simd(simd);
    }
    const auto named = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(named).empty()) {
      const std::string what = std::string("there is no command \"") + argv[1] + "\"";
      throw Exit{kWrongUsage, what + "; doppel --help lists them"};
    }
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream said;
    const int code = program.exit(error, std::cout, said);
    std::fputs(without_passwords(said.str(), {argv, static_cast<size_t>(argc)}).c_str(), stderr);
    return code == 0 ? kDone : kWrongUsage;
  }
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace doppel::internal::app;
  arrange_heap();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is told as a full disk is
  ExitCode code = kDone;
  const auto fail = [&](ExitCode with, const std::string& what) {
    std::fprintf(stderr, "doppel: %s\n",
                 without_passwords(what, {argv, static_cast<size_t>(argc)}).c_str());
    return with;
  };
  try {
    code = run(argc, argv);
  } catch (const doppel::Error& error) {
    code = fail(code_of(error.kind()), error.what());
  } catch (const Exit& exit) {
    code = exit.problem.empty() ? exit.code : fail(exit.code, exit.problem);
  } catch (const Interrupted&) {
    code = kInterrupted;
  } catch (const std::bad_alloc&) {
    code = fail(kFailed, "out of memory");
  } catch (const std::exception& error) {
    code = fail(kFailed, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return fail(kFailed, std::string("standard output cannot be written: ") + std::strerror(errno));
  }
  return code;
}
