#include "doppel/nn/engine.h"

#include <algorithm>
#include <utility>

#include "doppel/base/aligned.h"
#include "doppel/error.h"
#include "doppel/nn/inference.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/pass_plan.h"
#include "doppel/nn/planner.h"
#include "doppel/nn/tiles.h"

namespace doppel::internal {

// Values are numbered from 0, the images; value s + 1 is what stage s gives.
struct Engine::Plan {
  // A thread's own memory.
  struct Worker {
    std::vector<AlignedArray<float>> gradient_tile;  // inner values
    AlignedArray<float> second[2];  // gradients that are to be added to others: by x, by the skip
    AlignedArray<float> scratch;
  };

  Network network;
  ThreadPool& pool;
  std::vector<PlannedStage> stages;
  std::vector<Step> forward_steps, backward_steps;
  Placement gradient_placement;
  std::vector<Worker> workers;
  size_t parameters = 0;
  size_t image_size = 0, embedding_size = 0;
  // Whether a stage's gradient for its x, its skip, adds to what another stage left.
  std::vector<uint8_t> adds_to_x, adds_to_skip;
  size_t second_size = 0;  // of the largest gradient that does

  std::vector<AlignedArray<float>> prepared, statistics;  // per stage

  // What forward keeps for backward, for all tiles.
  size_t images = 0, tile_count = 0, capacity = 0;
  const DropoutSeed* dropout = nullptr;
  DropoutSeed dropout_seed;
  std::vector<AlignedArray<float>> value, gradient;  // per value
  std::vector<AlignedArray<float>> tape, partial;    // per stage

  Plan(const Network& network, ThreadPool& pool);

  const Stage& stage(size_t s) const { return *stages[s].stage; }
  size_t value_size(size_t v) const { return v == 0 ? image_size : stage(v - 1).out_size(); }
  size_t skip_value(size_t s) const { return stages[s].skip + 1; }  // kImages is 0
  bool has_skip(size_t s) const { return stages[s].skip != kNoSkip; }
  bool has_statistics(size_t s) const { return stage(s).statistics_floats() > 0; }

  void plan_training();

  void check_parameters(size_t given) const;
  void reserve(size_t tiles);
  void prepare(const float* params);
  Pass pass(const float* params, size_t s, size_t tile, size_t tiles, Worker& worker);
  template <typename Do>
  void run_groups(const std::vector<Step>& steps, size_t run, size_t tiles, const Do& act);
  Matrix forward(const float* params, std::span<const float* const> images);
  void backward(const float* params, const Matrix& embedding_gradient,
                std::span<float> parameter_gradient, Matrix* image_gradient);
};

Engine::Plan::Plan(const Network& described, ThreadPool& threads)
    : network(described), pool(threads), stages(plan_stages(described)) {
  parameters = parameter_count(network);
  image_size = network.input.size();
  embedding_size = doppel::internal::embedding_size(network);
  workers.resize(static_cast<size_t>(pool.threads()));
  prepared.resize(stages.size());
  statistics.resize(stages.size());
  size_t scratch_floats = 0;
  for (size_t s = 0; s < stages.size(); ++s) {
    scratch_floats = std::max(scratch_floats, stage(s).scratch_floats());
    prepared[s] = AlignedArray<float>(stage(s).prepared_floats());
    statistics[s] = AlignedArray<float>(stage(s).statistics_floats());
  }
  for (Worker& worker : workers) worker.scratch = AlignedArray<float>(scratch_floats);
  plan_training();
}

void Engine::Plan::plan_training() {
  for (size_t s = 0; s < stages.size(); ++s) {
    if (has_statistics(s)) add_step(forward_steps, stages, Action::measure, s, false);
    add_step(forward_steps, stages, Action::forward, s, has_statistics(s));
  }
  std::vector<Lifetime> lifetimes(stages.size() + 1);
  std::vector<bool> written(stages.size() + 1, false);
  adds_to_x.resize(stages.size());
  adds_to_skip.resize(stages.size());
  for (size_t v = 0; v < lifetimes.size(); ++v) lifetimes[v].size = value_size(v);
  for (size_t s = stages.size(); s-- > 0;) {
    if (has_statistics(s)) {
      add_step(backward_steps, stages, Action::measure_gradient, s, false);
      lifetimes[s + 1].use(backward_steps.size() - 1);
    }
    add_step(backward_steps, stages, Action::backward, s, has_statistics(s));
    const size_t step = backward_steps.size() - 1;
    lifetimes[s + 1].use(step);
    lifetimes[s].use(step);
    adds_to_x[s] = written[s];
    written[s] = true;
    if (adds_to_x[s]) second_size = std::max(second_size, value_size(s));
    if (has_skip(s)) {
      const size_t v = skip_value(s);
      lifetimes[v].use(step);
      adds_to_skip[s] = written[v];
      written[v] = true;
      if (adds_to_skip[s]) second_size = std::max(second_size, value_size(v));
    }
  }
  lifetimes.front().outer = true;  // read after all
  lifetimes.back().outer = true;   // loaded before
  gradient_placement = place(lifetimes, backward_steps);
  value.resize(stages.size() + 1);
  gradient.resize(stages.size() + 1);
  tape.resize(stages.size());
  partial.resize(stages.size());
}

void Engine::Plan::check_parameters(size_t given) const {
  if (given != parameters) {
    throw Error(ErrorKind::mismatch, "engine: the network has " + std::to_string(parameters) +
                                         " parameters, not " + std::to_string(given));
  }
}

void Engine::Plan::reserve(size_t tiles) {
  if (tiles <= capacity) return;
  if (capacity == 0) {
    for (Worker& worker : workers) {
      for (size_t size : gradient_placement.buffer_sizes) {
        worker.gradient_tile.emplace_back(size * kLanes);
      }
      for (auto& buffer : worker.second) {
        buffer = AlignedArray<float>(second_size * kLanes * kMostTilesInGroup);
      }
    }
  }
  for (size_t v = 0; v <= stages.size(); ++v) {
    value[v] = AlignedArray<float>(tiles * value_size(v) * kLanes);
    const bool inner = gradient_placement.of[v].inner;
    gradient[v] = AlignedArray<float>(inner ? 0 : tiles * value_size(v) * kLanes);
  }
  for (size_t s = 0; s < stages.size(); ++s) {
    tape[s] = AlignedArray<float>(tiles * stage(s).tape_floats());
    partial[s] = AlignedArray<float>(tiles * stage(s).partial_floats());
  }
  capacity = tiles;
}

void Engine::Plan::prepare(const float* params) {
  pool.parallel_for(stages.size(), [&](size_t s, size_t) {
    if (prepared[s].size() > 0) stage(s).prepare(params, prepared[s].data());
  });
}

Pass Engine::Plan::pass(const float* params, size_t s, size_t tile, size_t tiles, Worker& worker) {
  const size_t slot = tile * kLanes;
  return {.parameters = params,
          .prepared = prepared[s].data(),
          .statistics = statistics[s].data(),
          .tiles = tiles,
          .slot = slot,
          .images = std::min(tiles * kLanes, images - slot),
          .dropout = dropout,
          .scratch = worker.scratch.data(),
          .tape = tape[s].data() + tile * stage(s).tape_floats()};
}

// Calls act(step, first tile, tiles, worker) for the steps of a run.
template <typename Do>
void Engine::Plan::run_groups(const std::vector<Step>& steps, size_t run, size_t tiles,
                              const Do& act) {
  const std::span<const Step> of_run(std::ranges::lower_bound(steps, run, {}, &Step::run),
                                     std::ranges::upper_bound(steps, run, {}, &Step::run));
  const size_t size = tiles_in_group(tiles, pool.threads());
  pool.parallel_for((tiles + size - 1) / size, [&](size_t group, size_t w) {
    const size_t first = group * size;
    run_group(
        of_run, stages, first, std::min(size, tiles - first),
        [&](const Step& step, size_t tile, size_t count) { act(step, tile, count, workers[w]); });
  });
}

Matrix Engine::Plan::forward(const float* params, std::span<const float* const> given) {
  Matrix embeddings(given.size(), embedding_size);
  images = given.size();
  tile_count = tiles_of(images);
  reserve(tile_count);
  prepare(params);
  const auto at = [&](size_t v, size_t tile) {
    return value[v].data() + tile * value_size(v) * kLanes;
  };
  const size_t runs = forward_steps.empty() ? 0 : forward_steps.back().run + 1;
  for (size_t run = 0; run < runs; ++run) {
    run_groups(forward_steps, run, tile_count,
               [&](const Step& step, size_t tile, size_t count, Worker& worker) {
                 const size_t s = step.stage;
                 if (s == 0 && (step.action == Action::measure || !has_statistics(0))) {
                   for (size_t t = tile; t < tile + count; ++t) {
                     load_tile(given, image_size, t, at(0, t));
                   }
                 }
                 const Pass p = pass(params, s, tile, count, worker);
                 if (step.action == Action::measure) {
                   stage(s).measure(p, at(s, tile),
                                    partial[s].data() + tile * stage(s).partial_floats());
                 } else {
                   stage(s).forward(p, at(s, tile), has_skip(s) ? at(skip_value(s), tile) : nullptr,
                                    at(s + 1, tile));
                 }
               });
    for (const Step& step : forward_steps) {
      if (step.run != run || step.action != Action::measure) continue;
      stage(step.stage)
          .combine_statistics(params, images, partial[step.stage].data(),
                              statistics[step.stage].data());
    }
  }
  for (size_t t = 0; t < tile_count; ++t) {
    if (stages.empty()) load_tile(given, image_size, t, at(0, t));
    store_tile(at(stages.size(), t), embedding_size, t, embeddings);
  }
  return embeddings;
}

void Engine::Plan::backward(const float* params, const Matrix& embedding_gradient,
                            std::span<float> parameter_gradient, Matrix* image_gradient) {
  const auto batch_at = [&](auto& arrays, size_t v, size_t tile) {
    return arrays[v].data() + tile * value_size(v) * kLanes;
  };
  for (size_t t = 0; t < tile_count; ++t) {
    const float* rows[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t i = t * kLanes + lane;
      rows[lane] = i < images ? embedding_gradient.row(i).data() : nullptr;
    }
    rows_to_tile(rows, embedding_size, batch_at(gradient, stages.size(), t));
  }
  const auto gradient_at = [&](size_t v, size_t tile, Worker& worker) -> float* {
    if (v == 0 && image_gradient == nullptr) return nullptr;
    const Placement::Value& where = gradient_placement.of[v];
    return where.inner ? worker.gradient_tile[where.buffer].data() : batch_at(gradient, v, tile);
  };
  const auto back = [&](const Step& step, size_t tile, size_t count, Worker& worker) {
    const size_t s = step.stage;
    const Pass p = pass(params, s, tile, count, worker);
    const Values values{batch_at(value, s, tile),
                        has_skip(s) ? batch_at(value, skip_value(s), tile) : nullptr,
                        batch_at(value, s + 1, tile)};
    float* sums = partial[s].data() + tile * stage(s).partial_floats();
    float* dy = gradient_at(s + 1, tile, worker);
    if (step.action == Action::measure_gradient) {
      stage(s).measure_gradient(p, values, dy, sums);
      return;
    }
    float* dx = gradient_at(s, tile, worker);
    float* dskip = has_skip(s) ? gradient_at(skip_value(s), tile, worker) : nullptr;
    float* to_x = dx != nullptr && adds_to_x[s] ? worker.second[0].data() : dx;
    float* to_skip = dskip != nullptr && adds_to_skip[s] ? worker.second[1].data() : dskip;
    stage(s).backward(p, values, dy, to_x, to_skip, sums);
    if (to_x != dx) add_values(dx, to_x, count * stage(s).in_size(), dx);
    if (to_skip != dskip) add_values(dskip, to_skip, count * stage(s).in_size(), dskip);
  };
  const size_t runs = backward_steps.empty() ? 0 : backward_steps.back().run + 1;
  for (size_t run = 0; run < runs; ++run) {
    run_groups(backward_steps, run, tile_count, back);
    for (const Step& step : backward_steps) {
      if (step.run != run || step.action != Action::measure_gradient) continue;
      stage(step.stage)
          .combine_gradient_statistics(images, partial[step.stage].data(),
                                       statistics[step.stage].data());
    }
  }
  if (image_gradient != nullptr) {
    *image_gradient = Matrix(images, image_size);
    for (size_t t = 0; t < tile_count; ++t) {
      store_tile(batch_at(gradient, 0, t), image_size, t, *image_gradient);
    }
  }
  // The tasks of all stages in one row, so that no thread waits between stages.
  std::vector<std::pair<size_t, size_t>> tasks;
  for (size_t s = 0; s < stages.size(); ++s) {
    for (size_t t = 0; t < stage(s).gradient_tasks(); ++t) tasks.emplace_back(s, t);
  }
  pool.parallel_for(tasks.size(), [&](size_t i, size_t worker) {
    const auto [s, task] = tasks[i];
    stage(s).gradient(task, tile_count, tape[s].data(), partial[s].data(),
                      workers[worker].scratch.data(), parameter_gradient.data());
  });
}

Engine::Engine(const Network& network, ThreadPool& pool)
    : plan_(std::make_unique<Plan>(network, pool)) {}
Engine::~Engine() = default;

const Network& Engine::network() const { return plan_->network; }

Matrix Engine::embed(std::span<const float> parameters, std::span<const float* const> images) {
  const Inference inference(plan_->network, {{parameters.begin(), parameters.end()}});
  return inference.embed(0, images, plan_->pool);
}

Matrix Engine::forward(std::span<const float> parameters, std::span<const float* const> images,
                       const DropoutSeed* dropout) {
  plan_->check_parameters(parameters.size());
  plan_->dropout = nullptr;
  if (dropout != nullptr) {
    plan_->dropout_seed = *dropout;
    plan_->dropout = &plan_->dropout_seed;
  }
  return plan_->forward(parameters.data(), images);
}

void Engine::update_statistics(std::span<float> parameters, double momentum) const {
  plan_->check_parameters(parameters.size());
  for (size_t s = 0; s < plan_->stages.size(); ++s) {
    plan_->stage(s).update_running_statistics(plan_->statistics[s].data(), momentum,
                                              parameters.data());
  }
}

void Engine::backward(std::span<const float> parameters, const Matrix& embedding_gradient,
                      std::span<float> parameter_gradient, Matrix* image_gradient) {
  Plan& plan = *plan_;
  plan.check_parameters(parameters.size());
  plan.check_parameters(parameter_gradient.size());
  if (embedding_gradient.rows != plan.images || embedding_gradient.columns != plan.embedding_size) {
    throw Error(ErrorKind::mismatch, "engine: the gradient of " + std::to_string(plan.images) +
                                         " x " + std::to_string(plan.embedding_size) +
                                         " embeddings was expected, not of " +
                                         std::to_string(embedding_gradient.rows) + " x " +
                                         std::to_string(embedding_gradient.columns));
  }
  plan.backward(parameters.data(), embedding_gradient, parameter_gradient, image_gradient);
}

}  // namespace doppel::internal
