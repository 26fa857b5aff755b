// Ten whole steps of train() against LibTorch: the same weights, pairs and order, the
// tutorial's network without its dropout, RMSprop. Losses and final weights must agree.
//
// How closely can they? RMSprop's first step is the sign of the gradient, whatever its size: where
// a gradient is nearly 0, the last bit decides. So LibTorch runs in double precision, as the
// answer, and in single precision, as the measure: ours may be off by no more than twice as much as
// theirs.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "doppel/base/random.h"
#include "doppel/nn/torch_network.h"
#include "doppel/train/trainer.h"

namespace doppel::internal {
namespace {

constexpr size_t kSteps = 10, kBatch = 32, kImages = 30;
constexpr uint64_t kSeed = 5;

struct Outcome {
  std::vector<double> losses;   // of each step
  std::vector<double> weights;  // at the end
};

Network network_without_dropout() {
  Network network{{1, 56, 46}, find_recipe("tutorial").layers};
  std::erase_if(network.layers, [](const Layer& l) { return std::holds_alternative<Dropout>(l); });
  return network;
}

// Smooth pictures, three of each of ten kinds, so that there is something to learn.
Matrix pictures() {
  Random random(4, Purpose::sample);
  Matrix inputs(kImages, 56 * 46);
  for (size_t i = 0; i < inputs.rows; ++i) {
    const double kind = static_cast<double>(i / 3), shift = random.uniform(0, 1);
    for (size_t k = 0; k < inputs.columns; ++k) {
      const double at = static_cast<double>(k % 46) * (0.1 + 0.02 * kind) +
                        static_cast<double>(k / 46) * 0.05 * kind + shift;
      inputs.row(i)[k] = static_cast<float>(0.5 + 0.4 * std::sin(at) + random.uniform(0, 0.1));
    }
  }
  return inputs;
}

std::vector<Pair> picture_pairs() {
  Random random(4, Purpose::pairs);
  std::vector<Pair> pairs(kSteps * kBatch);
  for (Pair& pair : pairs) {
    pair.genuine = random.below(2) == 0;
    pair.a = random.below(kImages);
    do {
      pair.b = random.below(kImages);
    } while (pair.b == pair.a || (pair.a / 3 == pair.b / 3) != pair.genuine);
  }
  return pairs;
}

Outcome run_ours(const Recipe& recipe, const Matrix& inputs, const std::vector<Pair>& pairs) {
  Outcome run;
  double sum = 0;
  TrainingHooks hooks;  // reports running means over equal batches
  hooks.batch = [&](const BatchReport& report) {
    const double total = report.loss * static_cast<double>(report.batch);
    run.losses.push_back(total - sum);
    sum = total;
  };
  ThreadPool pool(2);
  const Network network = network_without_dropout();
  const TrainingTask task{
      recipe,
      network,
      kImages / 3,
      [&](uint64_t seed) { return std::make_unique<PairBatches>(inputs, pairs, kBatch, seed); },
      {}};
  const Trained trained = train(task, kSeed, pool, hooks);
  run.weights.assign(trained.members[0].begin(), trained.members[0].end());
  return run;
}

Outcome run_torch(const Recipe& recipe, const Matrix& inputs, const std::vector<Pair>& pairs,
                  torch::ScalarType type) {
  const Network network = network_without_dropout();
  TorchNetwork torch(network);
  set_parameters(torch, initial_parameters(network, recipe.initialisation, kSeed));
  torch->to(type);
  torch::optim::RMSprop optimizer(torch->parameters(),
                                  torch::optim::RMSpropOptions(recipe.optimizer.rate)
                                      .alpha(recipe.optimizer.rho)
                                      .eps(recipe.optimizer.epsilon));
  std::vector<uint32_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0u);
  Random(kSeed, Purpose::shuffle, 0).shuffle(std::span<uint32_t>(order));
  Outcome run;
  for (size_t step = 0; step < kSteps; ++step) {
    torch::Tensor batch = torch::empty({2 * kBatch, 1, 56, 46}), genuine = torch::empty({kBatch});
    for (size_t i = 0; i < kBatch; ++i) {
      const Pair& pair = pairs[order[step * kBatch + i]];
      std::ranges::copy(inputs.row(pair.a), batch.data_ptr<float>() + i * inputs.columns);
      std::ranges::copy(inputs.row(pair.b),
                        batch.data_ptr<float>() + (kBatch + i) * inputs.columns);
      genuine.data_ptr<float>()[i] = pair.genuine;
    }
    optimizer.zero_grad();
    const torch::Tensor loss =
        torch_contrastive(torch->forward(batch.to(type)), genuine.to(type), 1);
    loss.backward();
    optimizer.step();
    run.losses.push_back(loss.item<double>());
  }
  for (const torch::Tensor& tensor : torch->parameters()) {
    const torch::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
    run.weights.insert(run.weights.end(), values.data_ptr<double>(),
                       values.data_ptr<double>() + values.numel());
  }
  return run;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

TEST(TorchParity, TenTrainingStepsEndInTheSameWeights) {
  torch::set_num_threads(1);
  const Matrix inputs = pictures();
  const std::vector<Pair> pairs = picture_pairs();
  const std::vector<float> initial =
      initial_parameters(network_without_dropout(), Initialisation::glorot_uniform, kSeed);
  const std::vector<double> start(initial.begin(), initial.end());
  for (double epsilon : {1e-7, 1e-3}) {  // the tutorial's, and one that tames small gradients
    Recipe recipe = find_recipe("tutorial");
    recipe.layers = network_without_dropout().layers;
    recipe.batch.size = kBatch;
    recipe.epochs = 1;
    recipe.optimizer.epsilon = epsilon;
    const Outcome ours = run_ours(recipe, inputs, pairs);
    const Outcome single = run_torch(recipe, inputs, pairs, torch::kFloat);
    const Outcome exact = run_torch(recipe, inputs, pairs, torch::kDouble);
    ASSERT_EQ(ours.losses.size(), kSteps);
    EXPECT_LT(exact.losses.back(), exact.losses.front());
    const double rounding = distance(exact.losses, single.losses);
    EXPECT_LT(distance(ours.losses, exact.losses), 2 * rounding + 1e-7) << epsilon;
    const double moved = distance(start, exact.weights);
    const double off = distance(ours.weights, exact.weights) / moved;
    EXPECT_LT(off, 2 * distance(single.weights, exact.weights) / moved + 1e-6) << epsilon;
    if (epsilon > 1e-4) {
      EXPECT_LT(off, 2e-5);
    }
    RecordProperty("off", std::to_string(off));
  }
}

}  // namespace
}  // namespace doppel::internal
