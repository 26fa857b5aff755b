// Ctrl-C and SIGTERM: the first asks the work to stop at the next safe place, the second kills.
#pragma once

namespace doppel::app {

// Thrown where work was stopped; the program then exits with 130, having said what is saved.
struct Interrupted {};

// From now on signals are noted instead of ending the program.
void watch_for_stop();
bool stop_asked();

}  // namespace doppel::app
