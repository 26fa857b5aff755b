// The program `doppel`: hands over to a subcommand and turns what it throws into one line on
// standard error and an exit code: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "commands.h"
#include "doppel/base/error.h"
#include "doppel/nn/simd.h"
#include "heap.h"
#include "stop.h"

namespace {

constexpr int kFailed = 1, kWrongUsage = 2, kInterrupted = 130;

int fail(int code, const char* what) {
  std::fprintf(stderr, "doppel: %s\n", what);
  return code;
}

int run(int argc, char** argv) {
  CLI::App program{
      "Doppel trains a twin network on a folder of faces and compares people by it.\n"
      "Environment: DOPPEL_DATA, where data sets lie; DOPPEL_SIMD, an instruction set to use\n"
      "instead of the best one.\n"
      "Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."};
  program.name("doppel");
  program.set_version_flag("--version", "doppel " DOPPEL_VERSION);
  program.require_subcommand(1);
  program.footer("Example: doppel train faces/ --out model.safetensors");
  program.get_formatter()->column_width(34);
  using namespace doppel::app;
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
  try {
    if (const char* simd = std::getenv("DOPPEL_SIMD"); simd != nullptr && *simd != '\0') {
      doppel::use_simd(simd);
    }
    const auto named = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(named).empty()) {
      const std::string what = std::string("there is no command \"") + argv[1] + "\"";
      return fail(kWrongUsage, (what + "; doppel --help lists them").c_str());
    }
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  doppel::app::arrange_heap();
  int code = 0;
  try {
    code = run(argc, argv);
  } catch (const doppel::Error& error) {
    code =
        fail(error.kind() == doppel::ErrorKind::bad_argument ? kWrongUsage : kFailed, error.what());
  } catch (const doppel::app::Exit& exit) {
    code = exit.problem.empty() ? exit.code : fail(exit.code, exit.problem.c_str());
  } catch (const doppel::app::Interrupted&) {
    code = kInterrupted;
  } catch (const std::bad_alloc&) {
    code = fail(kFailed, "out of memory");
  } catch (const std::exception& error) {
    code = fail(kFailed, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return fail(
        kFailed,
        (std::string("standard output cannot be written: ") + std::strerror(errno)).c_str());
  }
  return code;
}
