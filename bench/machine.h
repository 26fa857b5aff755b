// What a benchmark says of the machine beside every absolute figure: machines differ twofold.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/fma_peak.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {

inline nlohmann::json machine_facts(int threads) {
  return {{"threads", threads},
          {"simd", simd_name()},
          {"fma_peak_gflops", fma_peak_gflops(threads, 0.2)}};
}

inline void print_machine(const nlohmann::json& facts) {
  std::printf("%d threads, %s, multiply-add peak %.0f GFLOP/s\n", facts["threads"].get<int>(),
              facts["simd"].get<std::string>().c_str(), facts["fma_peak_gflops"].get<double>());
}

}  // namespace doppel::internal
