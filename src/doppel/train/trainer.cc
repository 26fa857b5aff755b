#include "doppel/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/loss/contrastive.h"
#include "doppel/nn/engine.h"
#include "doppel/train/checkpoint.h"

namespace doppel {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The input rows of the pairs' first images, then of their second ones, as the loss wants them.
struct Batch {
  std::vector<const float*> images;
  std::vector<uint8_t> genuine;

  void gather(const Matrix& inputs, std::span<const Pair> pairs, std::span<const uint32_t> order) {
    images.resize(2 * order.size());
    genuine.resize(order.size());
    for (size_t i = 0; i < order.size(); ++i) {
      const Pair& pair = pairs[order[i]];
      images[i] = inputs.row(pair.a).data();
      images[order.size() + i] = inputs.row(pair.b).data();
      genuine[i] = pair.genuine;
    }
  }
};

// Loss and distances of pairs whose images are embedded once each.
PairLoss loss_of(const Matrix& embeddings, std::span<const Pair> pairs, double margin) {
  Matrix sides(2 * pairs.size(), embeddings.columns);
  std::vector<uint8_t> genuine(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::ranges::copy(embeddings.row(pairs[i].a), sides.row(i).begin());
    std::ranges::copy(embeddings.row(pairs[i].b), sides.row(pairs.size() + i).begin());
    genuine[i] = pairs[i].genuine;
  }
  return contrastive_loss(sides, genuine, margin);
}

class Training {
 public:
  Training(const Recipe& recipe, const Network& network, const TrainingPairs& pairs, uint64_t seed,
           ThreadPool& pool, const TrainingHooks& hooks, const CheckpointPlace& place)
      : recipe_(recipe),
        pairs_(pairs),
        seed_(seed),
        pool_(pool),
        hooks_(hooks),
        place_(place),
        engine_(network, pool),
        optimizer_(parameter_count(network), recipe.optimizer),
        gradient_(parameter_count(network)) {
    if (pairs.train.empty()) throw Error(ErrorKind::bad_data, "training: there are no pairs");
    state_.run = nlohmann::json{{"recipe", recipe_to_json(recipe)},
                                {"seed", seed},
                                {"network", network_to_json(network)},
                                {"data", place.data_digest}}
                     .dump();
    state_.parameters = glorot_uniform(network, seed);
    if (place.resume) resume();
  }

  Trained run() {
    while (state_.epoch < recipe_.epochs) {
      if (!train_epoch()) return result(false);
    }
    return result(true);
  }

 private:
  size_t batches() const { return (pairs_.train.size() + recipe_.batch - 1) / recipe_.batch; }

  void resume() {
    Checkpoint saved = load_checkpoint(place_.path, state_.run);
    if (saved.parameters.size() != state_.parameters.size() ||
        saved.mean_squares.size() != state_.parameters.size() || saved.epoch > recipe_.epochs ||
        saved.batch >= batches()) {
      throw Error(ErrorKind::bad_data, place_.path.string() + ": no whole checkpoint");
    }
    state_ = std::move(saved);
    std::ranges::copy(state_.mean_squares, optimizer_.mean_squares().begin());
  }

  void save() {
    if (place_.path.empty()) return;
    state_.mean_squares.assign(optimizer_.mean_squares().begin(), optimizer_.mean_squares().end());
    save_checkpoint(state_, place_.path);
    saved_at_ = Clock::now();
  }

  // False where it was stopped.
  bool train_epoch() {
    const Clock::time_point start = Clock::now();
    std::vector<uint32_t> order(pairs_.train.size());
    std::iota(order.begin(), order.end(), 0u);
    Random(seed_, Purpose::shuffle, static_cast<uint32_t>(state_.epoch))
        .shuffle(std::span<uint32_t>(order));
    while (state_.batch < batches()) {
      const size_t first = state_.batch * recipe_.batch;
      train_batch(std::span<const uint32_t>(order).subspan(
          first, std::min(recipe_.batch, order.size() - first)));
      if (hooks_.batch) {
        const size_t done = std::min(state_.batch * recipe_.batch, order.size());
        hooks_.batch({state_.epoch, recipe_.epochs, state_.batch, batches(),
                      state_.loss_sum / static_cast<double>(done)});
      }
      // Behind an epoch's last batch there is nothing to interrupt.
      if (state_.batch < batches() && hooks_.stop && hooks_.stop()) {
        save();
        return false;
      }
    }
    finish_epoch(seconds_since(start));
    if (state_.epoch < recipe_.epochs && hooks_.stop && hooks_.stop()) {
      save();
      return false;
    }
    return true;
  }

  void train_batch(std::span<const uint32_t> order) {
    batch_.gather(pairs_.inputs, pairs_.train, order);
    const DropoutSeed dropout{seed_,
                              static_cast<uint32_t>(state_.epoch * batches() + state_.batch)};
    const Matrix embeddings = engine_.forward(state_.parameters, batch_.images, &dropout);
    const PairLoss loss = contrastive_loss(embeddings, batch_.genuine, recipe_.margin);
    bool finite = std::isfinite(loss.loss);
    if (finite) {
      engine_.backward(state_.parameters, loss.gradient, gradient_);
      finite = optimizer_.step(state_.parameters, gradient_, pool_);
    }
    if (!finite) {
      fail_not_finite("batch " + std::to_string(state_.batch + 1) + " of " +
                      std::to_string(batches()));
    }
    state_.loss_sum += loss.loss * static_cast<double>(order.size());
    ++state_.batch;
  }

  [[noreturn]] void fail_not_finite(const std::string& where) const {
    throw Error(ErrorKind::numeric,
                "training: loss or weights are no longer finite numbers in epoch " +
                    std::to_string(state_.epoch + 1) + ", " + where +
                    "; a smaller learning rate (--lr) helps");
  }

  void finish_epoch(double seconds) {
    const double train_loss = state_.loss_sum / static_cast<double>(pairs_.train.size());
    std::vector<const float*> rows;
    for (size_t i = 0; i < pairs_.inputs.rows; ++i) rows.push_back(pairs_.inputs.row(i).data());
    const PairLoss validation =
        loss_of(engine_.embed(state_.parameters, rows), pairs_.validation, recipe_.margin);
    if (!std::isfinite(validation.loss)) fail_not_finite("validation");
    const auto [nearest, farthest] = std::ranges::minmax_element(validation.distance);
    collapsed_ = !validation.distance.empty() && *farthest - *nearest < 1e-3 * recipe_.margin;
    state_.history.push_back({train_loss, validation.loss});
    const size_t epoch = state_.epoch++;
    state_.batch = 0;
    state_.loss_sum = 0;
    if (hooks_.epoch) {
      hooks_.epoch({epoch, recipe_.epochs, seconds, state_.history.back(), collapsed_});
    }
    if (seconds_since(saved_at_) >= 1) save();
  }

  Trained result(bool finished) const {
    return {state_.parameters, state_.history, finished, collapsed_};
  }

  const Recipe& recipe_;
  const TrainingPairs& pairs_;
  uint64_t seed_;
  ThreadPool& pool_;
  const TrainingHooks& hooks_;
  const CheckpointPlace& place_;
  Engine engine_;
  RmsProp optimizer_;
  std::vector<float> gradient_;
  Checkpoint state_;  // parameters live here; mean_squares only in a saved one
  Batch batch_;
  bool collapsed_ = false;
  Clock::time_point saved_at_ = Clock::now();
};

}  // namespace

Trained train_pairs(const Recipe& recipe, const Network& network, const TrainingPairs& pairs,
                    uint64_t seed, ThreadPool& pool, const TrainingHooks& hooks,
                    const CheckpointPlace& checkpoint) {
  recipe.check();
  return Training(recipe, network, pairs, seed, pool, hooks, checkpoint).run();
}

}  // namespace doppel
