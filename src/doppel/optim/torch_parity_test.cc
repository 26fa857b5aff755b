// Twenty steps of every optimiser that PyTorch has in the same form against LibTorch: the same
// start, gradients and settings.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>

#include "doppel/base/random.h"
#include "doppel/optim/optimizer.h"

namespace doppel::internal {
namespace {

constexpr size_t kSize = 1000, kUpdates = 20;

using TorchOptimizer = std::unique_ptr<torch::optim::Optimizer>;

// Parameters up to 1 move by about kUpdates times the rate: what differs is the rounding of some
// twenty steps.
void expect_parity(const OptimizerSettings& settings,
                   const std::function<TorchOptimizer(std::vector<torch::Tensor>)>& make) {
  Random random(2, Purpose::sample);
  const auto draw = [&](std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  };
  std::vector<float> ours(kSize), gradient(kSize);
  draw(ours);
  torch::Tensor theirs =
      torch::from_blob(ours.data(), {static_cast<int64_t>(kSize)}).clone().requires_grad_();
  const TorchOptimizer torch_optimizer = make({theirs});
  Optimizer optimizer(kSize, settings);
  ThreadPool pool(1);
  for (size_t step = 0; step < kUpdates; ++step) {
    draw(gradient);
    theirs.mutable_grad() =
        torch::from_blob(gradient.data(), {static_cast<int64_t>(kSize)}).clone();
    torch_optimizer->step();
    ASSERT_TRUE(optimizer.step(ours, gradient, 1, pool));
    const float* expected = theirs.data_ptr<float>();
    for (size_t i = 0; i < kSize; ++i) {
      ASSERT_NEAR(ours[i], expected[i], 1e-6) << to_string(settings.kind) << step << " " << i;
    }
  }
}

OptimizerSettings with_rate(OptimizerKind kind, double rate, double weight_decay) {
  OptimizerSettings settings = OptimizerSettings::defaults(kind);
  settings.rate = rate;
  settings.weight_decay = weight_decay;
  return settings;
}

TEST(TorchOptimizers, Adam) {
  for (double decay : {0.0, 0.1}) {
    expect_parity(with_rate(OptimizerKind::adam, 0.01, decay), [&](auto tensors) {
      return std::make_unique<torch::optim::Adam>(
          tensors, torch::optim::AdamOptions(0.01).weight_decay(decay));
    });
  }
}

TEST(TorchOptimizers, AdamWAndItsDefaults) {
  expect_parity(with_rate(OptimizerKind::adamw, 0.01, 0.1), [](auto tensors) {
    return std::make_unique<torch::optim::AdamW>(
        tensors, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  });
  expect_parity(OptimizerSettings::defaults(OptimizerKind::adamw), [](auto tensors) {
    return std::make_unique<torch::optim::AdamW>(tensors, torch::optim::AdamWOptions());
  });
}

TEST(TorchOptimizers, Sgd) {
  for (double momentum : {0.0, 0.9}) {
    for (bool nesterov : {false, true}) {
      if (nesterov && momentum == 0) continue;
      OptimizerSettings settings = with_rate(OptimizerKind::sgd, 0.05, 0.1);
      settings.momentum = momentum;
      settings.nesterov = nesterov;
      expect_parity(settings, [&](auto tensors) {
        return std::make_unique<torch::optim::SGD>(
            tensors,
            torch::optim::SGDOptions(0.05).momentum(momentum).nesterov(nesterov).weight_decay(0.1));
      });
    }
  }
}

}  // namespace
}  // namespace doppel::internal
