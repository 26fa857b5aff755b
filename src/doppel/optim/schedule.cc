#include "doppel/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr ScheduleKind kKinds[] = {ScheduleKind::constant, ScheduleKind::cosine,
                                   ScheduleKind::one_cycle};

// From `start` to `end` while `part` goes from 0 to 1, level at both.
double half_cosine(double start, double end, double part) {
  return end + (start - end) / 2 * (1 + elementary::cos(std::numbers::pi * part));
}

// As PyTorch has it: the peak lies at step warm_up * steps - 1, which may be between two steps.
double one_cycle(double warm_up, double step, double steps) {
  const double first = 1.0 / 25, last = first / 1e4;
  const double peak = warm_up * steps - 1;
  if (step < peak) return half_cosine(first, 1, step / peak);
  return peak == steps - 1 ? 1 : half_cosine(1, last, (step - peak) / (steps - 1 - peak));
}

}  // namespace

std::string to_string(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::constant:
      return "constant";
    case ScheduleKind::cosine:
      return "cosine";
    case ScheduleKind::one_cycle:
      return "one_cycle";
  }
  return "";
}

Schedule Schedule::defaults(ScheduleKind kind) {
  return {kind, kind == ScheduleKind::one_cycle ? 0.3 : 0.0};
}

void Schedule::check() const {
  if (!(warm_up >= 0 && warm_up <= 1)) {
    throw Error(ErrorKind::bad_argument,
                "schedule: warm_up is a fraction in 0 .. 1, not " + std::to_string(warm_up));
  }
}

double Schedule::factor(size_t step, size_t steps) const {
  if (step >= steps) {
    throw Error(ErrorKind::bad_argument, "schedule: step " + std::to_string(step) + " of " +
                                             std::to_string(steps) + " steps");
  }
  const double at = static_cast<double>(step), all = static_cast<double>(steps);
  if (kind == ScheduleKind::one_cycle) return one_cycle(warm_up, at, all);
  const double warm = std::floor(warm_up * all);
  if (at < warm) return (at + 1) / (warm + 1);
  return kind == ScheduleKind::constant ? 1 : half_cosine(1, 0, (at - warm) / (all - warm));
}

nlohmann::json schedule_to_json(const Schedule& schedule) {
  return {{"type", to_string(schedule.kind)}, {"warm_up", schedule.warm_up}};
}

Schedule schedule_from_json(const nlohmann::json& json) {
  const JsonObject object(json, "schedule");
  const std::string& type = object.text("type");
  const auto* const kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](ScheduleKind candidate) { return to_string(candidate) == type; });
  if (kind == std::end(kKinds)) {
    object.refuse("type", "constant, cosine or one_cycle");
  }
  Schedule schedule = Schedule::defaults(*kind);
  object.expect_only({"type", "warm_up"});
  object.read("warm_up", schedule.warm_up);
  schedule.check();
  return schedule;
}

}  // namespace doppel::internal
