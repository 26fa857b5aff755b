// The subcommands. Each adds itself, with its options and its help, to the program; what it does
// when called it does by itself, and throws Error or Interrupted where it fails, or Exit
// (exit_code.h).
#pragma once

namespace CLI {
class App;
}

namespace doppel::internal::app {

void add_train(CLI::App& program);
void add_crossval(CLI::App& program);
void add_calibrate(CLI::App& program);
void add_eval(CLI::App& program);
void add_oneshot(CLI::App& program);
void add_report(CLI::App& program);
void add_explain(CLI::App& program);
void add_enroll(CLI::App& program);
void add_identify(CLI::App& program);
void add_watch(CLI::App& program);
void add_serve(CLI::App& program);
void add_gallery(CLI::App& program);
void add_key(CLI::App& program);
void add_embed(CLI::App& program);
void add_cluster(CLI::App& program);
void add_verify(CLI::App& program);
void add_export(CLI::App& program);
void add_pairs(CLI::App& program);
void add_data(CLI::App& program);
void add_synth(CLI::App& program);
void add_info(CLI::App& program);
void add_networks(CLI::App& program);
void add_manual(CLI::App& program);

}  // namespace doppel::internal::app
