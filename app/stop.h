// Ctrl-C and SIGTERM. A command that holds something half done, or that only they end, asks for
// them with watch_for_stop(): the first then asks the work to stop at the next safe place, the
// second kills. All others are killed by the first, which shells tell as 130, too.
#pragma once

namespace doppel::internal::app {

// Thrown where work was stopped; the program then exits with 130, having said what is saved.
struct Interrupted {};

// From now on signals are noted instead of ending the program.
void watch_for_stop();
bool stop_asked();
// Throws Interrupted where it was asked.
void check_stop();

}  // namespace doppel::internal::app
