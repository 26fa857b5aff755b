// How the learning rate goes over a training: a step's number in, its factor of the highest rate
// out.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace doppel::internal {

// constant   1
// cosine     from 1 down to almost 0 along half a cosine (Loshchilov and Hutter, ICLR 2017)
// one_cycle  from 1/25 up to 1, then down to 1/250000, each along half a cosine (Smith and Topin,
//            2017): PyTorch's OneCycleLR with its defaults
enum class ScheduleKind { constant, cosine, one_cycle };

std::string to_string(ScheduleKind kind);  // "one_cycle"

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  // Fraction of the steps before the highest rate. In constant and cosine the rate grows with the
  // step: of W such steps the k-th (from 0) has (k + 1) / (W + 1).
  double warm_up = 0;

  // Without warm-up, but for one_cycle 0.3.
  static Schedule defaults(ScheduleKind kind);

  // Throws Error(bad_argument) where warm_up is outside [0, 1].
  void check() const;

  // In [0, 1], for step 0 .. steps-1. Throws Error(bad_argument) for a step beyond the last.
  double factor(size_t step, size_t steps) const;

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

// {"type": "cosine", "warm_up": 0.05}
nlohmann::json schedule_to_json(const Schedule& schedule);
// Back; without "warm_up" its kind's default. Throws Error(bad_data) naming a key that is unknown,
// Error(bad_argument) as check() does.
Schedule schedule_from_json(const nlohmann::json& json);

}  // namespace doppel::internal
