#include "doppel/nn/simd.h"

#include <atomic>

#include "doppel/error.h"
#include "hwy/highway.h"

namespace doppel::internal {
namespace {

const char* target_name(int64_t target) {
  switch (target) {
    case HWY_AVX3:
      return "AVX-512";
    case HWY_AVX2:
      return "AVX2";
    case HWY_NEON:
      return "NEON";
    default:
      return "plain";
  }
}

// Those with code in this program that the CPU can run, best first.
std::vector<int64_t> targets() {
  hwy::SetSupportedTargetsForTest(0);  // ask the CPU, whatever was named before
  std::vector<int64_t> found;
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (target != HWY_STATIC_TARGET) found.push_back(target);
  }
  found.push_back(HWY_STATIC_TARGET);
  return found;
}

std::atomic<int64_t> target_in_use{0};  // 0: nothing was named, so the best

}  // namespace

std::vector<std::string> simd_names() {
  std::vector<std::string> names;
  for (int64_t target : targets()) names.emplace_back(target_name(target));
  return names;
}

std::string simd_name() {
  const int64_t target = target_in_use;
  return target_name(target == 0 ? targets().front() : target);
}

void use_simd(const std::string& name) {
  std::string known;
  for (int64_t target : targets()) {
    if (name == target_name(target)) {
      target_in_use = target;
      hwy::GetChosenTarget().Update(target);
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(target_name(target));
  }
  throw Error(ErrorKind::bad_argument,
              "instruction set \"" + name + "\": this program and CPU have " + known);
}

}  // namespace doppel::internal
