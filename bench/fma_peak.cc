#include "bench/fma_peak.h"

#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/fma_peak.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains that do not depend on each other: more than latency times units, and they fit the
// registers of every instruction set. Returns the operations done; `sink` keeps the compiler
// honest.
double Chains(size_t rounds, float* sink) {
  const hn::CappedTag<float, 16> d;
  using V = hn::Vec<decltype(d)>;
  const V factor = hn::Set(d, 0.999f), add = hn::Set(d, 0.001f);
  // Each chain begins elsewhere: equal ones would be found out and computed once.
  V a0 = hn::Set(d, 0.0f), a1 = hn::Set(d, 0.1f), a2 = hn::Set(d, 0.2f), a3 = hn::Set(d, 0.3f);
  V a4 = hn::Set(d, 0.4f), a5 = hn::Set(d, 0.5f), a6 = hn::Set(d, 0.6f), a7 = hn::Set(d, 0.7f);
  V a8 = hn::Set(d, 0.8f), a9 = hn::Set(d, 0.9f), a10 = hn::Set(d, 1.0f), a11 = hn::Set(d, 1.1f);
  for (size_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, add), a1 = hn::MulAdd(a1, factor, add);
    a2 = hn::MulAdd(a2, factor, add), a3 = hn::MulAdd(a3, factor, add);
    a4 = hn::MulAdd(a4, factor, add), a5 = hn::MulAdd(a5, factor, add);
    a6 = hn::MulAdd(a6, factor, add), a7 = hn::MulAdd(a7, factor, add);
    a8 = hn::MulAdd(a8, factor, add), a9 = hn::MulAdd(a9, factor, add);
    a10 = hn::MulAdd(a10, factor, add), a11 = hn::MulAdd(a11, factor, add);
  }
  a0 = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
  a4 = hn::Add(hn::Add(a4, a5), hn::Add(a6, a7));
  a8 = hn::Add(hn::Add(a8, a9), hn::Add(a10, a11));
  *sink = hn::GetLane(hn::Add(a0, hn::Add(a4, a8)));
  return 2.0 * 12 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppel::internal {

HWY_EXPORT(Chains);

double fma_peak_gflops(int threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kRounds = 1 << 20;
  const auto count = static_cast<size_t>(threads);
  std::vector<double> rate(count);
  std::vector<float> sinks(count * 16);
  std::barrier start(threads);
  const auto work = [&](size_t t) {
    HWY_DYNAMIC_DISPATCH(Chains)(kRounds, &sinks[t * 16]);  // wakes the clock up
    start.arrive_and_wait();
    const Clock::time_point begin = Clock::now();
    double operations = 0, passed = 0;
    while (passed < seconds) {
      operations += HWY_DYNAMIC_DISPATCH(Chains)(kRounds, &sinks[t * 16]);
      passed = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    rate[t] = operations / passed / 1e9;
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < count; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (double r : rate) sum += r;
  return sum;
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
