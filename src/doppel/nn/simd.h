// Which vector instructions the engine runs on. The best of this CPU is chosen by itself; naming
// another serves tests and whoever wants to know what it is worth.
#pragma once

#include <string>
#include <vector>

namespace doppel::internal {

// The instruction sets that this program holds code for and this CPU has, best first:
// of "AVX-512", "AVX2", "SSE2" (or "NEON").
std::vector<std::string> simd_names();

// The one in use.
std::string simd_name();

// From now on uses the named one, in all threads. Not while an engine runs. Throws
// Error(bad_argument) naming those that are there.
void use_simd(const std::string& name);

}  // namespace doppel::internal
