// What this machine's multiply-add units can do at most, measured.
#pragma once

namespace doppel::internal {

// Billions of floating-point operations in a second (a multiply-add is two) on `threads` threads at
// once, on the engine's instruction set, for about `seconds`.
double fma_peak_gflops(int threads, double seconds);

}  // namespace doppel::internal
