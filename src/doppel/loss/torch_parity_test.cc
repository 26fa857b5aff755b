// The losses over a batch against LibTorch: the formulas of the papers in tensors, and autograd.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "doppel/base/random.h"
#include "doppel/loss/batch_loss.h"

namespace doppel::internal {
namespace {

using TorchTensor = torch::Tensor;

int64_t n_of(size_t value) { return static_cast<int64_t>(value); }

TorchTensor unit(const TorchTensor& x) {
  return torch::nn::functional::normalize(x, torch::nn::functional::NormalizeFuncOptions().dim(1));
}

// x [n, d], same [n, n] (one identity, the diagonal too), label [n], w [classes, d].
struct TorchBatch {
  TorchTensor x, same, label, w;

  TorchTensor diagonal() const { return torch::eye(x.size(0), torch::kBool); }
  TorchTensor genuine() const { return same & ~diagonal(); }
  TorchTensor cosines() const { return unit(x).matmul(unit(x).t()); }
};

TorchTensor margin_softmax(const TorchBatch& batch, double scale,
                           const std::function<TorchTensor(const TorchTensor& cosine)>& target) {
  const TorchTensor cosine = unit(batch.x).matmul(unit(batch.w).t());
  const TorchTensor own = torch::one_hot(batch.label, batch.w.size(0)).to(torch::kBool);
  return torch::nn::functional::cross_entropy(scale * torch::where(own, target(cosine), cosine),
                                              batch.label);
}

TorchTensor cosine_margin(const TorchBatch& batch) {
  return margin_softmax(batch, 16, [](const TorchTensor& c) { return c - 0.2; });
}

TorchTensor arc_margin(const TorchBatch& batch) {
  return margin_softmax(batch, 16, [](const TorchTensor& c) {
    return torch::where(c > -std::cos(0.3),
                        torch::cos(torch::acos(c.clamp(-0.999999, 0.999999)) + 0.3),
                        c - 0.3 * std::sin(0.3));
  });
}

// log(1 + the sum of exp over each row of what the mask keeps).
TorchTensor soft_plus_sum(const TorchTensor& exponent, const TorchTensor& mask) {
  const TorchTensor kept = exponent.masked_fill(~mask, -INFINITY);
  return torch::cat({torch::zeros({exponent.size(0), 1}), kept}, 1).logsumexp(1);
}

TorchTensor multi_similarity(const TorchBatch& batch) {
  const TorchTensor s = batch.cosines(), plain = s.detach();
  const TorchTensor lowest = plain.masked_fill(~batch.genuine(), INFINITY).amin({1}, true),
                    highest = plain.masked_fill(batch.same, -INFINITY).amax({1}, true);
  const TorchTensor genuine = batch.genuine() & (plain < highest + 0.1),
                    impostor = ~batch.same & (plain > lowest - 0.1);
  return (soft_plus_sum(-2 * (s - 0.5), genuine) / 2 + soft_plus_sum(50 * (s - 0.5), impostor) / 50)
      .mean();
}

TorchTensor supervised_contrastive(const TorchBatch& batch) {
  const TorchTensor logits = (batch.cosines() / 0.1).masked_fill(batch.diagonal(), -INFINITY);
  const TorchTensor log_p = (logits - logits.logsumexp(1, true)).masked_fill(batch.diagonal(), 0);
  const TorchTensor mask = batch.genuine().to(torch::kFloat);
  return (-(log_p * mask).sum(1) / mask.sum(1)).mean();
}

TorchTensor triplet_batch_hard(const TorchBatch& batch) {
  const TorchTensor squares = (batch.x.unsqueeze(0) - batch.x.unsqueeze(1)).square().sum(2);
  const TorchTensor distance = squares.masked_fill(batch.diagonal(), 1).sqrt();
  const TorchTensor furthest = distance.masked_fill(~batch.genuine(), -INFINITY).amax({1}),
                    nearest = distance.masked_fill(batch.same, INFINITY).amin({1});
  return (furthest - nearest + 2).clamp_min(0).mean();
}

// Largest difference, as a part of the largest value.
void expect_close(std::span<const float> ours, const TorchTensor& theirs, double tolerance) {
  const TorchTensor flat = theirs.contiguous();
  ASSERT_EQ(n_of(ours.size()), flat.numel());
  double largest = 1e-4, difference = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double value = flat.data_ptr<float>()[i];
    largest = std::max(largest, std::abs(value));
    difference = std::max(difference, std::abs(double{ours[i]} - value));
  }
  EXPECT_LT(difference / largest, tolerance);
}

TEST(TorchParity, BatchLossesAndTheirGradients) {
  torch::set_num_threads(1);
  const size_t people = 12, images = 4, n = people * images, d = 40, classes = 150;
  const std::vector<std::pair<nlohmann::json, std::function<TorchTensor(const TorchBatch&)>>>
      losses = {
          {{{"type", "cosine_margin"}, {"scale", 16}, {"margin", 0.2}}, cosine_margin},
          {{{"type", "arc_margin"}, {"scale", 16}, {"margin", 0.3}}, arc_margin},
          {{{"type", "multi_similarity"}}, multi_similarity},
          {{{"type", "supervised_contrastive"}}, supervised_contrastive},
          {{{"type", "triplet_batch_hard"}, {"margin", 2}}, triplet_batch_hard},
      };
  // Genuine pairs nearer than impostors on the whole, with overlap.
  std::vector<uint32_t> identity(n);
  Matrix x(n, d);
  Random random(1, Purpose::sample);
  for (size_t i = 0; i < n; ++i) {
    identity[i] = static_cast<uint32_t>(i % people * 11);
    Random centre(2, Purpose::sample, identity[i]);
    for (float& value : x.row(i)) value = static_cast<float>(centre.normal() + random.normal());
  }
  ThreadPool pool(2);
  for (const auto& [settings, formula] : losses) {
    SCOPED_TRACE(settings.dump());
    const auto loss = make_batch_loss(settings, d, classes);
    std::vector<float> parameters = loss->initial_parameters(1);
    for (float& value : parameters) value *= 2;  // lengths other than 1
    const LossResult ours = loss->evaluate(x, identity, parameters, pool);

    TorchBatch batch;
    batch.x = torch::from_blob(x.values.data(), {n_of(n), n_of(d)}).clone().requires_grad_();
    batch.label = torch::empty({n_of(n)}, torch::kLong);
    for (size_t i = 0; i < n; ++i) batch.label[n_of(i)] = static_cast<int64_t>(identity[i]);
    batch.same = batch.label.unsqueeze(0) == batch.label.unsqueeze(1);
    if (!parameters.empty()) {
      batch.w =
          torch::from_blob(parameters.data(), {n_of(classes), n_of(d)}).clone().requires_grad_();
    }
    const TorchTensor theirs = formula(batch);
    theirs.backward();
    EXPECT_NEAR(ours.loss, theirs.item<double>(), 5e-6 * (1 + ours.loss));
    EXPECT_GT(ours.loss, 0.01);
    expect_close(ours.gradient.values, batch.x.grad(), 2e-5);
    if (!parameters.empty()) expect_close(ours.parameter_gradient, batch.w.grad(), 2e-5);
  }
}

}  // namespace
}  // namespace doppel::internal
