// The threads that work for all calls of the library in this process.
#pragma once

namespace doppel {

// How many there are: 1 to 1024, or 0, as at first, for one for each processor that the process may
// run on. They start when a call first needs them, sleep while nothing is to be done, and calls
// from several threads take turns with them. What is computed does not depend on their number. A
// gallery that is open keeps those that it has. Throws Error(bad_argument). May be called by any
// thread.
void set_threads(int threads);

}  // namespace doppel
