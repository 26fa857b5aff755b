// From a gradient to new parameters: RMSprop, Adam, AdamW and SGD over one flat array, as their
// settings say.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"

namespace doppel::internal {

// With g the gradient (where parameters decay g + weight_decay w, except for adamw) and t = 1, 2,
// .. the step:
//   rmsprop  Tieleman and Hinton, lecture 6.5, 2012, in Keras' form (epsilon outside the root):
//            v = rho v + (1 - rho) g^2,   w = w - rate g / (sqrt(v) + epsilon)
//   adam     Kingma and Ba, ICLR 2015:
//            m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,
//            w = w - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//   adamw    Loshchilov and Hutter, ICLR 2019: adam after w = w - rate weight_decay w
//   sgd      in PyTorch's form, the rate outside the momentum:
//            m = momentum m + g,   w = w - rate (nesterov ? g + momentum m : m)
enum class OptimizerKind { rmsprop, adam, adamw, sgd };

std::string to_string(OptimizerKind kind);  // "adamw"

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::rmsprop;
  double rate = 0.001;
  double rho = 0.9;                   // rmsprop
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double epsilon = 1e-7;              // rmsprop, adam, adamw
  double momentum = 0;                // sgd
  bool nesterov = false;              // sgd, with a momentum
  double weight_decay = 0;

  // Keras' defaults for rmsprop, PyTorch's for the others: epsilon 1e-8, adamw's weight_decay 0.01.
  static OptimizerSettings defaults(OptimizerKind kind);

  // Throws Error(bad_argument) naming the setting that makes no sense.
  void check() const;

  friend bool operator==(const OptimizerSettings&, const OptimizerSettings&) = default;
};

// {"type": "adamw", "rate": 0.003, ...}: the settings of its kind.
nlohmann::json optimizer_to_json(const OptimizerSettings& settings);
// Back; what is not named has its kind's default. Throws Error(bad_data) naming a key that is
// unknown to this kind or a value that is no number, Error(bad_argument) as check() does.
OptimizerSettings optimizer_from_json(const nlohmann::json& json);

// Parameters begin .. end-1 of the flat array.
struct ParameterRange {
  size_t begin = 0, end = 0;
};

class Optimizer {
 public:
  // For `size` parameters, all moments 0. Throws Error(bad_argument) as check() does.
  Optimizer(size_t size, const OptimizerSettings& settings);

  // From now on only these parameters decay: a network's weights, not its biases or norms. Until
  // then all do. Throws Error(bad_argument) where ranges do not ascend, overlap or leave the array.
  void set_decayed(std::span<const ParameterRange> ranges);

  // One step at settings.rate * rate_factor; parameters and gradient hold `size` values. True where
  // every new parameter is finite. The bits depend neither on threads nor on the instruction set.
  // Throws Error(mismatch) where the sizes differ, Error(bad_argument) where rate_factor is below 0
  // or not finite.
  bool step(std::span<float> parameters, std::span<const float> gradient, double rate_factor,
            ThreadPool& pool);

  // What a checkpoint holds to go on as if never interrupted: the moments (rmsprop v, sgd m, adam
  // and adamw all of m, then all of v) and the number of steps taken.
  std::span<const float> state() const { return state_; }
  size_t steps() const { return steps_; }
  // Puts them back. Throws Error(mismatch) where the state is of another size.
  void restore(std::span<const float> state, size_t steps);

 private:
  struct Part {
    size_t begin = 0, size = 0;
    bool decays = true;
  };

  OptimizerSettings settings_;
  size_t size_;
  std::vector<float> state_;
  size_t steps_ = 0;
  std::vector<Part> parts_;  // all parameters, in pieces for the threads
};

}  // namespace doppel::internal
