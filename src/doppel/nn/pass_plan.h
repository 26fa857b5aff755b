// The steps of the engine's passes, and where the values between them are kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "doppel/nn/stage.h"

namespace doppel::internal {

enum class Action { forward, measure, backward, measure_gradient };

// Steps of one run need no other tile's results; between runs all threads meet. Steps of one
// segment are done for a tile after the other, so that a tile stays in the second cache; a stage
// that takes several tiles at once is a segment by itself.
struct Step {
  Action action;
  size_t stage;
  size_t run;
  size_t segment;
};

// Adds a step; `new_run`: it needs what the steps before give of all tiles.
void add_step(std::vector<Step>& steps, const std::vector<PlannedStage>& stages, Action action,
              size_t stage, bool new_run);

// Calls act(step, first tile, tiles) for steps of one run and a group of tiles.
template <typename Act>
void run_group(std::span<const Step> steps, const std::vector<PlannedStage>& stages, size_t first,
               size_t count, const Act& act) {
  for (size_t i = 0; i < steps.size();) {
    size_t next = i + 1;
    while (next < steps.size() && steps[next].segment == steps[i].segment) ++next;
    if (stages[steps[i].stage].stage->wants_several_tiles()) {
      act(steps[i], first, count);
    } else {
      for (size_t t = first; t < first + count; ++t) {
        for (size_t k = i; k < next; ++k) act(steps[k], t, size_t{1});
      }
    }
    i = next;
  }
}

// Where the values of a pass are kept. A value that is made and used within one segment lives in a
// thread's own buffer for one tile, and shares it with values whose time is over; others get
// memory of their own, for a whole group or batch.
struct Placement {
  struct Value {
    bool inner = false;
    size_t buffer = 0;  // of a thread, where inner
  };
  std::vector<Value> of;             // per value
  std::vector<size_t> buffer_sizes;  // values of one image
};

// When a value is needed.
struct Lifetime {
  size_t size = 0;                                   // values of one image
  bool outer = false;                                // must outlive its segment
  size_t first = static_cast<size_t>(-1), last = 0;  // steps

  void use(size_t step) {
    first = std::min(first, step);
    last = std::max(last, step);
  }
};

// Gives every value its place. Values within one segment share buffers, each for as long as it is
// needed; one that no step uses, or that is `outer`, gets none.
Placement place(const std::vector<Lifetime>& lifetimes, const std::vector<Step>& steps);

}  // namespace doppel::internal
