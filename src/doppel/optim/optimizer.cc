#include "doppel/optim/optimizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "doppel/optim/optimizer.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"

#ifndef DOPPEL_OPTIM_STEP_NUMBERS
#define DOPPEL_OPTIM_STEP_NUMBERS
namespace doppel::internal {
namespace {

// One step's constants. Moment k becomes keep[k] times itself plus take[k] times what is new.
struct StepNumbers {
  float rate = 0;        // of Adam divided by 1 - beta1^t
  float keep[2] = {};    // of m and v
  float take[2] = {};    // of m and v
  float root_scale = 1;  // of Adam: 1 / sqrt(1 - beta2^t)
  float epsilon = 0;
  float shrink = 1;  // adamw multiplies the parameters by it first
  float decay = 0;   // the others add this part of them to the gradient
  bool nesterov = false;
};

}  // namespace
}  // namespace doppel::internal
#endif  // DOPPEL_OPTIM_STEP_NUMBERS

HWY_BEFORE_NAMESPACE();
namespace doppel::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Every vector width gives the same bits: products and sums are rounded one by one. True where all
// new parameters are finite: w - w is 0 for them alone.
template <OptimizerKind kKind, class D>
HWY_INLINE bool update(D d, const StepNumbers& s, const float* HWY_RESTRICT g,
                       float* HWY_RESTRICT m, float* HWY_RESTRICT v, float* HWY_RESTRICT w,
                       size_t begin, size_t end) {
  constexpr bool kAdam = kKind == OptimizerKind::adam || kKind == OptimizerKind::adamw;
  const auto rate = hn::Set(d, s.rate), epsilon = hn::Set(d, s.epsilon);
  const auto keep_m = hn::Set(d, s.keep[0]), take_m = hn::Set(d, s.take[0]);
  const auto keep_v = hn::Set(d, s.keep[1]), take_v = hn::Set(d, s.take[1]);
  const auto root_scale = hn::Set(d, s.root_scale), shrink = hn::Set(d, s.shrink);
  const auto decay = hn::Set(d, s.decay);
  auto difference = hn::Zero(d);
  for (size_t i = begin; i < end; i += hn::Lanes(d)) {
    auto old = hn::LoadU(d, w + i);
    auto gradient = hn::LoadU(d, g + i);
    if constexpr (kKind == OptimizerKind::adamw) {
      old = hn::Mul(old, shrink);
    } else {
      if (s.decay != 0) gradient = hn::Add(gradient, hn::Mul(decay, old));
    }
    auto step = gradient;
    if constexpr (kAdam || kKind == OptimizerKind::sgd) {
      const auto mean = hn::Add(hn::Mul(keep_m, hn::LoadU(d, m + i)), hn::Mul(take_m, gradient));
      hn::StoreU(mean, d, m + i);
      step = s.nesterov ? hn::Add(gradient, hn::Mul(keep_m, mean)) : mean;
    }
    step = hn::Mul(rate, step);
    if constexpr (kAdam || kKind == OptimizerKind::rmsprop) {
      const auto mean = hn::Add(hn::Mul(keep_v, hn::LoadU(d, v + i)),
                                hn::Mul(take_v, hn::Mul(gradient, gradient)));
      hn::StoreU(mean, d, v + i);
      auto root = hn::Sqrt(mean);
      if constexpr (kAdam) root = hn::Mul(root, root_scale);
      step = hn::Div(step, hn::Add(root, epsilon));
    }
    const auto next = hn::Sub(old, step);
    hn::StoreU(next, d, w + i);
    difference = hn::Add(difference, hn::Sub(next, next));
  }
  return hn::AllTrue(d, hn::Eq(difference, hn::Zero(d)));
}

template <OptimizerKind kKind>
bool update_all(const StepNumbers& s, const float* g, float* m, float* v, float* w, size_t n) {
  const hn::CappedTag<float, 16> d;
  const hn::CappedTag<float, 1> one;
  const size_t whole = n / hn::Lanes(d) * hn::Lanes(d);
  const bool finite = update<kKind>(d, s, g, m, v, w, 0, whole);
  return update<kKind>(one, s, g, m, v, w, whole, n) && finite;
}

bool Update(OptimizerKind kind, const StepNumbers& s, const float* g, float* m, float* v, float* w,
            size_t n) {
  switch (kind) {
    case OptimizerKind::rmsprop:
      return update_all<OptimizerKind::rmsprop>(s, g, m, v, w, n);
    case OptimizerKind::adam:
      return update_all<OptimizerKind::adam>(s, g, m, v, w, n);
    case OptimizerKind::adamw:
      return update_all<OptimizerKind::adamw>(s, g, m, v, w, n);
    case OptimizerKind::sgd:
      return update_all<OptimizerKind::sgd>(s, g, m, v, w, n);
  }
  return false;
}

}  // namespace HWY_NAMESPACE
}  // namespace doppel::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppel::internal {

HWY_EXPORT(Update);

namespace {

constexpr OptimizerKind kKinds[] = {OptimizerKind::rmsprop, OptimizerKind::adam,
                                    OptimizerKind::adamw, OptimizerKind::sgd};

bool has_two_moments(OptimizerKind kind) {
  return kind == OptimizerKind::adam || kind == OptimizerKind::adamw;
}

// The numbers that settings of this kind have.
std::vector<std::pair<const char*, double*>> numbers(OptimizerSettings& settings) {
  std::vector<std::pair<const char*, double*>> list = {{"rate", &settings.rate},
                                                       {"weight_decay", &settings.weight_decay}};
  if (settings.kind == OptimizerKind::rmsprop) list.emplace_back("rho", &settings.rho);
  if (has_two_moments(settings.kind)) {
    list.emplace_back("beta1", &settings.beta1);
    list.emplace_back("beta2", &settings.beta2);
  }
  if (settings.kind == OptimizerKind::sgd) {
    list.emplace_back("momentum", &settings.momentum);
  } else {
    list.emplace_back("epsilon", &settings.epsilon);
  }
  return list;
}

// In double precision but for RMSprop's 1 - rho, whose bits earlier trainings depend on.
StepNumbers step_numbers(const OptimizerSettings& settings, double rate_factor, size_t step) {
  const double rate = settings.rate * rate_factor, t = static_cast<double>(step);
  const auto narrow = [](double x) { return static_cast<float>(x); };
  StepNumbers s;
  s.rate = narrow(rate);
  s.epsilon = narrow(settings.epsilon);
  s.decay = narrow(settings.weight_decay);
  s.shrink = narrow(1 - rate * settings.weight_decay);
  if (settings.kind == OptimizerKind::rmsprop) {
    s.keep[1] = narrow(settings.rho);
    s.take[1] = 1 - s.keep[1];
  } else if (settings.kind == OptimizerKind::sgd) {
    s.keep[0] = narrow(settings.momentum);
    s.take[0] = 1;
    s.nesterov = settings.nesterov;
  } else {
    s.keep[0] = narrow(settings.beta1);
    s.take[0] = narrow(1 - settings.beta1);
    s.keep[1] = narrow(settings.beta2);
    s.take[1] = narrow(1 - settings.beta2);
    s.rate = narrow(rate / (1 - elementary::pow(settings.beta1, t)));
    s.root_scale = narrow(1 / std::sqrt(1 - elementary::pow(settings.beta2, t)));
  }
  return s;
}

}  // namespace

std::string to_string(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::rmsprop:
      return "rmsprop";
    case OptimizerKind::adam:
      return "adam";
    case OptimizerKind::adamw:
      return "adamw";
    case OptimizerKind::sgd:
      return "sgd";
  }
  return "";
}

OptimizerSettings OptimizerSettings::defaults(OptimizerKind kind) {
  OptimizerSettings settings;
  settings.kind = kind;
  if (has_two_moments(kind)) settings.epsilon = 1e-8;
  if (kind == OptimizerKind::adamw) settings.weight_decay = 0.01;
  return settings;
}

void OptimizerSettings::check() const {
  const auto expect = [&](bool good, const char* what, double value) {
    if (good) return;
    throw Error(ErrorKind::bad_argument,
                to_string(kind).append(": ").append(what).append(", not ") + std::to_string(value));
  };
  expect(rate > 0 && rate < 1e30, "the learning rate must be above 0 and below 1e30", rate);
  expect(rho >= 0 && rho < 1, "rho lies in [0, 1)", rho);
  expect(beta1 >= 0 && beta1 < 1, "beta1 lies in [0, 1)", beta1);
  expect(beta2 >= 0 && beta2 < 1, "beta2 lies in [0, 1)", beta2);
  expect(epsilon > 0 && epsilon < 1e30, "epsilon must be above 0 and below 1e30", epsilon);
  expect(momentum >= 0 && momentum < 1, "the momentum lies in [0, 1)", momentum);
  expect(!nesterov || momentum > 0, "nesterov needs a momentum above 0", momentum);
  expect(weight_decay >= 0 && weight_decay < 1e30,
         "the weight decay must be at least 0 and below 1e30", weight_decay);
}

nlohmann::json optimizer_to_json(const OptimizerSettings& settings) {
  OptimizerSettings copy = settings;
  nlohmann::json json = {{"type", to_string(settings.kind)}};
  for (const auto& [name, number] : numbers(copy)) json[name] = *number;
  if (settings.kind == OptimizerKind::sgd) json["nesterov"] = settings.nesterov;
  return json;
}

OptimizerSettings optimizer_from_json(const nlohmann::json& json) {
  const JsonObject object(json, "optimizer");
  const std::string& type = object.text("type");
  const auto* const kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](OptimizerKind candidate) { return to_string(candidate) == type; });
  if (kind == std::end(kKinds)) {
    object.refuse("type", "rmsprop, adam, adamw or sgd");
  }
  OptimizerSettings settings = OptimizerSettings::defaults(*kind);
  std::vector<std::string> known = {"type"};
  for (const auto& [name, number] : numbers(settings)) {
    known.emplace_back(name);
    object.read(name, *number);
  }
  if (*kind == OptimizerKind::sgd) {
    known.emplace_back("nesterov");
    object.read("nesterov", settings.nesterov);
  }
  object.expect_only(known);
  settings.check();
  return settings;
}

Optimizer::Optimizer(size_t size, const OptimizerSettings& settings)
    : settings_(settings), size_(size) {
  settings_.check();
  state_.resize(has_two_moments(settings.kind) ? 2 * size : size);
  const ParameterRange all{0, size};
  set_decayed({&all, 1});
}

void Optimizer::set_decayed(std::span<const ParameterRange> ranges) {
  constexpr size_t kPart = 16384;
  std::vector<Part> parts;
  size_t at = 0;
  const auto add = [&](size_t end, bool decays) {
    for (; at < end; at += parts.back().size) {
      parts.push_back({at, std::min(kPart, end - at), decays});
    }
  };
  for (const ParameterRange& range : ranges) {
    if (range.begin < at || range.end < range.begin || range.end > size_) {
      throw Error(ErrorKind::bad_argument,
                  "parameters that decay: ascending ranges within " + std::to_string(size_) +
                      " were expected, not " + std::to_string(range.begin) + " to " +
                      std::to_string(range.end) + " behind " + std::to_string(at));
    }
    add(range.begin, false);
    add(range.end, true);
  }
  add(size_, false);
  parts_ = std::move(parts);
}

bool Optimizer::step(std::span<float> parameters, std::span<const float> gradient,
                     double rate_factor, ThreadPool& pool) {
  if (parameters.size() != size_ || gradient.size() != size_) {
    throw Error(ErrorKind::mismatch, to_string(settings_.kind) + ": made for " +
                                         std::to_string(size_) + " parameters, given " +
                                         std::to_string(parameters.size()) + " and a gradient of " +
                                         std::to_string(gradient.size()));
  }
  if (!(rate_factor >= 0 && rate_factor < 1e30)) {
    throw Error(ErrorKind::bad_argument,
                to_string(settings_.kind) +
                    ": the factor of the learning rate must be at least 0, "
                    "not " +
                    std::to_string(rate_factor));
  }
  ++steps_;
  const StepNumbers decaying = step_numbers(settings_, rate_factor, steps_);
  StepNumbers keeping = decaying;
  keeping.decay = 0;
  keeping.shrink = 1;
  float* const m = state_.data();
  float* const v = has_two_moments(settings_.kind) ? m + size_ : m;
  std::atomic<bool> finite{true};
  pool.parallel_for(parts_.size(), [&](size_t index, size_t) {
    const Part& part = parts_[index];
    if (!HWY_DYNAMIC_DISPATCH(Update)(settings_.kind, part.decays ? decaying : keeping,
                                      gradient.data() + part.begin, m + part.begin, v + part.begin,
                                      parameters.data() + part.begin, part.size)) {
      finite = false;
    }
  });
  return finite;
}

void Optimizer::restore(std::span<const float> state, size_t steps) {
  if (state.size() != state_.size()) {
    throw Error(ErrorKind::mismatch,
                to_string(settings_.kind) + ": a state of " + std::to_string(state_.size()) +
                    " values was expected, not " + std::to_string(state.size()));
  }
  std::copy(state.begin(), state.end(), state_.begin());
  steps_ = steps;
}

}  // namespace doppel::internal
#endif  // HWY_ONCE
