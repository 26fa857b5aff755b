#include "doppel/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/optim/average.h"
#include "doppel/train/checkpoint.h"
#include "doppel/train/objective.h"

namespace doppel::internal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kStatisticsMomentum = 0.1;  // PyTorch's
constexpr size_t kSettleExamples = 4096;     // images whose statistics are measured anew, at least

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Member 0 is what a single network would be.
uint64_t member_seed(uint64_t seed, size_t member) { return seed + member * 0x9E3779B97F4A7C15u; }

// The next batch is made by a thread of its own while the present one is trained.
class Prefetch {
 public:
  Prefetch(BatchSource& source, size_t first, size_t end) : source_(source), end_(end) {
    begin(first);
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch() {
    if (next_.valid()) next_.wait();
  }

  TrainingBatch take(size_t step) {
    TrainingBatch batch = next_.get();
    if (step + 1 < end_) begin(step + 1);
    return batch;
  }

 private:
  void begin(size_t step) {
    next_ = std::async(std::launch::async, [this, step] { return source_.batch(step); });
  }

  BatchSource& source_;
  size_t end_;
  std::future<TrainingBatch> next_;
};

bool all_alike(const Matrix& embeddings) {
  double nearest = std::numeric_limits<double>::infinity(), farthest = 0, length = 0;
  for (size_t i = 0; i < embeddings.rows; ++i) {
    double squares = 0;
    for (float v : embeddings.row(i)) squares += double{v} * v;
    length += std::sqrt(squares) / static_cast<double>(embeddings.rows);
    for (size_t j = 0; j < i; ++j) {
      const double distance = euclidean(embeddings.row(i), embeddings.row(j));
      nearest = std::min(nearest, distance);
      farthest = std::max(farthest, distance);
    }
  }
  return embeddings.rows > 2 && farthest - nearest <= 1e-3 * length;
}

// Weights decay; biases, norms and statistics do not. A loss's own parameters are weights.
std::vector<ParameterRange> decayed_ranges(const Network& network, size_t total) {
  std::vector<ParameterRange> ranges;
  for (const Tensor& tensor : parameter_tensors(network)) {
    if (tensor.kind == TensorKind::weight) {
      ranges.push_back({tensor.offset, tensor.offset + tensor.size});
    }
  }
  const size_t network_size = parameter_count(network);
  if (total > network_size) ranges.push_back({network_size, total});
  return ranges;
}

class Training {
 public:
  Training(const TrainingTask& task, uint64_t seed, ThreadPool& pool, const TrainingHooks& hooks,
           const CheckpointPlace& place)
      : task_(task),
        recipe_(task.recipe),
        seed_(seed),
        pool_(pool),
        hooks_(hooks),
        place_(place),
        engine_(task.network, pool),
        loss_(make_objective(recipe_.loss, recipe_.pairs.has_value(), embedding_size(task.network),
                             task.identities)),
        network_size_(parameter_count(task.network)),
        decayed_(decayed_ranges(task.network, network_size_ + loss_->parameter_count())) {
    state_.run = nlohmann::json{{"recipe", recipe_to_json(recipe_)},
                                {"seed", seed},
                                {"network", network_to_json(task.network)},
                                {"data", place.data_digest}}
                     .dump();
    begin_member();
    if (place.resume) resume();
  }

  Trained run() {
    while (state_.done.size() < recipe_.members) {
      if (!train_member()) return result(false);
      state_.done.push_back(finished_parameters());
      if (state_.done.size() < recipe_.members) begin_member();
    }
    return result(true);
  }

 private:
  size_t member() const { return state_.done.size(); }
  size_t batches() const { return source_->batches_in_epoch(); }
  size_t steps() const { return recipe_.pairs ? recipe_.epochs * batches() : recipe_.steps; }
  size_t epochs() const { return (steps() + batches() - 1) / batches(); }
  std::span<float> network_parameters() {
    return std::span<float>(state_.parameters).first(network_size_);
  }

  void begin_member() {
    const uint64_t seed = member_seed(seed_, member());
    source_ = task_.batches(seed);
    state_.parameters = initial_parameters(task_.network, recipe_.initialisation, seed);
    const std::vector<float> more = loss_->initial_parameters(seed);
    state_.parameters.insert(state_.parameters.end(), more.begin(), more.end());
    optimizer_.emplace(state_.parameters.size(), recipe_.optimizer);
    optimizer_->set_decayed(decayed_);
    average_.reset();
    if (recipe_.average > 0) average_ = WeightAverage(network_size_, recipe_.average);
    gradient_.assign(state_.parameters.size(), 0.0f);
    state_.step = 0;
    state_.loss_sum = 0;
    state_.examples = 0;
    collapsed_ = false;
  }

  void resume() {
    Checkpoint saved = load_checkpoint(place_.path, state_.run);
    const size_t size = state_.parameters.size();
    bool whole = saved.parameters.size() == size && saved.done.size() < recipe_.members &&
                 saved.step < steps() && saved.optimizer.size() == optimizer_->state().size() &&
                 saved.average.size() == (average_ ? network_size_ : 0);
    for (const auto& done : saved.done) whole = whole && done.size() == network_size_;
    if (!whole) throw Error(ErrorKind::bad_data, place_.path.string() + ": no whole checkpoint");
    state_ = std::move(saved);
    source_ = task_.batches(member_seed(seed_, member()));
    optimizer_->restore(state_.optimizer, state_.step);
    if (average_) average_->restore(state_.average, state_.step);
  }

  void save() {
    if (place_.path.empty()) return;
    state_.optimizer.assign(optimizer_->state().begin(), optimizer_->state().end());
    if (average_) state_.average.assign(average_->values().begin(), average_->values().end());
    save_checkpoint(state_, place_.path);
    saved_at_ = Clock::now();
  }

  // False where it was stopped.
  bool train_member() {
    Prefetch prefetch(*source_, state_.step, steps());
    Clock::time_point epoch_start = Clock::now();
    while (state_.step < steps()) {
      train_step(prefetch.take(state_.step));
      const size_t done = state_.step % batches();
      if (hooks_.batch) {
        hooks_.batch({member(), recipe_.members, (state_.step - 1) / batches(), epochs(),
                      done == 0 ? batches() : done, batches(),
                      state_.loss_sum / static_cast<double>(state_.examples)});
      }
      if (done == 0 || state_.step == steps()) {
        finish_epoch(seconds_since(epoch_start));
        epoch_start = Clock::now();
      }
      // Behind the last step there is nothing to interrupt.
      if (state_.step < steps() && hooks_.stop && hooks_.stop()) {
        save();
        return false;
      }
    }
    return true;
  }

  void train_step(const TrainingBatch& batch) {
    const DropoutSeed dropout{member_seed(seed_, member()), static_cast<uint32_t>(state_.step)};
    const Matrix embeddings = engine_.forward(network_parameters(), batch.images, &dropout);
    const LossResult loss =
        loss_->evaluate(embeddings, batch.labels,
                        std::span<const float>(state_.parameters).subspan(network_size_), pool_);
    bool finite = std::isfinite(loss.loss);
    if (finite) {
      engine_.backward(network_parameters(), loss.gradient,
                       std::span<float>(gradient_).first(network_size_));
      std::ranges::copy(loss.parameter_gradient,
                        gradient_.begin() + static_cast<ptrdiff_t>(network_size_));
      engine_.update_statistics(network_parameters(), kStatisticsMomentum);
      finite = optimizer_->step(state_.parameters, gradient_,
                                recipe_.schedule.factor(state_.step, steps()), pool_);
    }
    if (!finite) {
      fail_not_finite("batch " + std::to_string(state_.step % batches() + 1) + " of " +
                      std::to_string(batches()));
    }
    if (average_) average_->update(network_parameters());
    state_.examples += batch.examples;
    state_.loss_sum += loss.loss * static_cast<double>(batch.examples);
    ++state_.step;
    const bool ends_epoch = state_.step % batches() == 0 || state_.step == steps();
    if (ends_epoch && !task_.validate) collapsed_ = all_alike(embeddings);
  }

  [[noreturn]] void fail_not_finite(const std::string& where) const {
    throw Error(ErrorKind::numeric,
                "training: loss or weights are no longer finite numbers in epoch " +
                    std::to_string(state_.step / batches() + 1) + ", " + where +
                    "; a smaller learning rate (optimizer.rate) helps");
  }

  void finish_epoch(double seconds) {
    EpochLosses losses{state_.loss_sum / static_cast<double>(state_.examples), std::nullopt};
    if (task_.validate) {
      const Validation validation = task_.validate(engine_, network_parameters());
      if (!std::isfinite(validation.loss)) {
        --state_.step;  // of the epoch that was just trained
        fail_not_finite("validation");
      }
      losses.validation_loss = validation.loss;
      collapsed_ = validation.collapsed;
    }
    state_.history.push_back(losses);
    state_.loss_sum = 0;
    state_.examples = 0;
    if (hooks_.epoch) {
      hooks_.epoch({member(), recipe_.members, (state_.step - 1) / batches(), epochs(), state_.step,
                    steps(), seconds, losses, collapsed_});
    }
    if (state_.step < steps() && seconds_since(saved_at_) >= 1) save();
  }

  // The weights to keep: averaged or the last, with statistics that belong to them.
  std::vector<float> finished_parameters() {
    const std::span<const float> last = network_parameters();
    std::vector<float> kept(last.begin(), last.end());
    if (average_) kept.assign(average_->values().begin(), average_->values().end());
    if (recipe_.remeasure_statistics) {
      size_t seen = 0;
      for (size_t k = 0; seen < kSettleExamples; ++k) {
        const TrainingBatch batch = source_->plain_batch(k);
        engine_.forward(kept, batch.images, nullptr);
        engine_.update_statistics(kept, 1 / static_cast<double>(k + 1));
        seen += batch.examples;
      }
    }
    state_.collapsed = state_.collapsed || collapsed_;
    return kept;
  }

  Trained result(bool finished) const {
    return {state_.done,
            {state_.parameters.begin() + static_cast<ptrdiff_t>(network_size_),
             state_.parameters.end()},
            state_.history,
            finished,
            state_.collapsed};
  }

  const TrainingTask& task_;
  const Recipe& recipe_;
  uint64_t seed_;
  ThreadPool& pool_;
  const TrainingHooks& hooks_;
  const CheckpointPlace& place_;
  Engine engine_;
  std::unique_ptr<BatchLoss> loss_;
  size_t network_size_;
  std::vector<ParameterRange> decayed_;
  std::unique_ptr<BatchSource> source_;
  std::optional<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  std::vector<float> gradient_;
  Checkpoint state_;        // parameters live here: the network's, then the loss's
  bool collapsed_ = false;  // the present network, at the end of its last epoch
  Clock::time_point saved_at_ = Clock::now();
};

}  // namespace

Trained train(const TrainingTask& task, uint64_t seed, ThreadPool& pool, const TrainingHooks& hooks,
              const CheckpointPlace& checkpoint) {
  task.recipe.check();
  return Training(task, seed, pool, hooks, checkpoint).run();
}

}  // namespace doppel::internal
