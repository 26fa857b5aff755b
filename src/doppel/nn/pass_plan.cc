#include "doppel/nn/pass_plan.h"

namespace doppel::internal {

void add_step(std::vector<Step>& steps, const std::vector<PlannedStage>& stages, Action action,
              size_t stage, bool new_run) {
  const auto several = [&](size_t s) { return stages[s].stage->wants_several_tiles(); };
  Step step{action, stage, 0, 0};
  if (!steps.empty()) {
    const Step& before = steps.back();
    step.run = before.run + (new_run ? 1 : 0);
    const bool joined = !new_run && !several(stage) && !several(before.stage);
    step.segment = before.segment + (joined ? 0 : 1);
  }
  steps.push_back(step);
}

Placement place(const std::vector<Lifetime>& lifetimes, const std::vector<Step>& steps) {
  Placement placement;
  placement.of.resize(lifetimes.size());
  std::vector<size_t> order;
  for (size_t v = 0; v < lifetimes.size(); ++v) {
    const Lifetime& life = lifetimes[v];
    if (life.first > life.last || life.outer) continue;  // never used, or kept elsewhere
    placement.of[v].inner = steps[life.first].segment == steps[life.last].segment;
    if (placement.of[v].inner) order.push_back(v);
  }
  std::ranges::sort(order, {}, [&](size_t v) { return lifetimes[v].first; });
  std::vector<size_t> busy_until;
  for (size_t v : order) {
    size_t b = 0;
    while (b < busy_until.size() && busy_until[b] >= lifetimes[v].first) ++b;
    if (b == busy_until.size()) {
      busy_until.push_back(0);
      placement.buffer_sizes.push_back(0);
    }
    busy_until[b] = lifetimes[v].last;
    placement.buffer_sizes[b] = std::max(placement.buffer_sizes[b], lifetimes[v].size);
    placement.of[v].buffer = b;
  }
  return placement;
}

}  // namespace doppel::internal
