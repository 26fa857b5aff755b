// What both benchmarks need: clocks, medians, and the check that both sides compute the same.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// LibTorch's threads spin a while after their work; pauses keep them out of our figures.
inline void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

// Throws Error(numeric) where the two differ by more than `tolerance` of the largest value: no
// figure would mean anything.
inline void check_equal(const std::string& what, const std::vector<float>& ours,
                        const std::vector<float>& theirs, double tolerance) {
  double largest = 1e-12, difference = ours.size() == theirs.size() ? 0 : INFINITY;
  for (size_t i = 0; i < theirs.size() && i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(double{theirs[i]}));
    difference = std::max(difference, std::abs(double{ours[i]} - double{theirs[i]}));
  }
  if (!(difference / largest < tolerance)) {
    throw Error(ErrorKind::numeric, what + " differs from LibTorch's by " +
                                        std::to_string(difference / largest) +
                                        " of its largest value: nothing is timed");
  }
}

}  // namespace doppel::internal
