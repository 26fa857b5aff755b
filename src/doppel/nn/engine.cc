#include "doppel/nn/engine.h"

#include <algorithm>

#include "doppel/base/aligned.h"
#include "doppel/base/error.h"
#include "doppel/nn/kernels.h"

namespace doppel {
namespace {

// A group of tiles is one task: a dense stage runs best on four tiles at once.
constexpr size_t kMostTilesInGroup = 4;

// Stages that run through a tile after the other, so that a tile stays in the second cache, or one
// stage that takes the group's tiles at once.
struct Segment {
  size_t first, last;  // stages, both included
  bool several_tiles;
};

// A thread's own memory.
struct Worker {
  AlignedArray<float> tile[3];   // values between the stages of a segment
  AlignedArray<float> group[2];  // values between segments
  AlignedArray<float> scratch;
};

}  // namespace

struct Engine::Plan {
  Network network;
  ThreadPool& pool;
  std::vector<std::unique_ptr<Stage>> stages;
  std::vector<Segment> segments;
  std::vector<Worker> workers;
  size_t parameters = 0;
  size_t image_size = 0, embedding_size = 0;

  // What forward keeps for backward.
  size_t images = 0, tile_count = 0, capacity = 0;
  const DropoutSeed* dropout = nullptr;
  DropoutSeed dropout_seed;
  AlignedArray<float> input;
  std::vector<AlignedArray<float>> output, tape, partial;  // per stage, all tiles

  Plan(const Network& network, ThreadPool& pool);

  size_t group_size(size_t tiles) const {
    const size_t threads = static_cast<size_t>(pool.threads());
    return std::clamp((tiles + threads - 1) / threads, size_t{1}, kMostTilesInGroup);
  }
  void check_parameters(size_t given) const;
  void reserve(size_t tiles);
  void load_tile(std::span<const float* const> images, size_t tile, float* out) const;
  void store_embeddings(const float* tile_values, size_t tile, Matrix& embeddings) const;
  void forward_group(const float* parameters, std::span<const float* const> images, size_t first,
                     size_t count, bool keep, Worker& worker, Matrix& embeddings);
  void backward_group(const float* parameters, const Matrix& embedding_gradient, size_t first,
                      size_t count, Worker& worker, Matrix* image_gradient);
  Matrix run_forward(std::span<const float> parameters, std::span<const float* const> images,
                     bool keep);
};

Engine::Plan::Plan(const Network& described, ThreadPool& threads)
    : network(described), pool(threads), stages(plan_stages(described)) {
  parameters = parameter_count(network);
  image_size = network.input.size();
  embedding_size = doppel::embedding_size(network);
  size_t tile_floats = image_size, group_floats = image_size, scratch_floats = 0;
  for (size_t s = 0; s < stages.size(); ++s) {
    const Stage& stage = *stages[s];
    const bool several = stage.wants_several_tiles();
    if (several || segments.empty() || segments.back().several_tiles) {
      segments.push_back({s, s, several});
      group_floats = std::max(group_floats, stage.in_size());
    } else {
      segments.back().last = s;
    }
    tile_floats = std::max(tile_floats, stage.out_size());
    scratch_floats = std::max(scratch_floats, stage.scratch_floats());
  }
  group_floats = std::max(group_floats, embedding_size);
  workers.resize(static_cast<size_t>(pool.threads()));
  for (Worker& worker : workers) {
    for (auto& buffer : worker.tile) buffer = AlignedArray<float>(tile_floats * kLanes);
    for (auto& buffer : worker.group) {
      buffer = AlignedArray<float>(group_floats * kLanes * kMostTilesInGroup);
    }
    worker.scratch = AlignedArray<float>(scratch_floats);
  }
  output.resize(stages.size());
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
  input = AlignedArray<float>(tiles * image_size * kLanes);
  for (size_t s = 0; s < stages.size(); ++s) {
    output[s] = AlignedArray<float>(tiles * stages[s]->out_size() * kLanes);
    tape[s] = AlignedArray<float>(tiles * stages[s]->tape_floats());
    partial[s] = AlignedArray<float>(tiles * stages[s]->partial_floats());
  }
  capacity = tiles;
}

void Engine::Plan::load_tile(std::span<const float* const> given, size_t tile, float* out) const {
  const float* rows[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t i = tile * kLanes + lane;
    rows[lane] = i < given.size() ? given[i] : nullptr;
  }
  rows_to_tile(rows, image_size, out);
}

void Engine::Plan::store_embeddings(const float* values, size_t tile, Matrix& embeddings) const {
  float* rows[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t i = tile * kLanes + lane;
    rows[lane] = i < embeddings.rows ? embeddings.row(i).data() : nullptr;
  }
  tile_to_rows(values, embedding_size, rows);
}

void Engine::Plan::forward_group(const float* params, std::span<const float* const> given,
                                 size_t first, size_t count, bool keep, Worker& worker,
                                 Matrix& embeddings) {
  const auto pass = [&](size_t s, size_t tile, size_t tiles) {
    return Pass{params,
                tiles,
                tile * kLanes,
                keep ? dropout : nullptr,
                worker.scratch.data(),
                keep ? tape[s].data() + tile * stages[s]->tape_floats() : nullptr};
  };
  const float* x = nullptr;  // the group's values before the segment; null: the images themselves
  for (size_t k = 0; k < segments.size(); ++k) {
    const Segment& segment = segments[k];
    const size_t in_floats = stages[segment.first]->in_size() * kLanes;
    const size_t out_floats = stages[segment.last]->out_size() * kLanes;
    float* y = keep ? output[segment.last].data() + first * out_floats : worker.group[k % 2].data();
    if (segment.several_tiles) {
      if (x == nullptr) {
        float* loaded = keep ? input.data() + first * in_floats : worker.group[1].data();
        for (size_t t = 0; t < count; ++t) load_tile(given, first + t, loaded + t * in_floats);
        x = loaded;
      }
      stages[segment.first]->forward(pass(segment.first, first, count), x, y);
    } else {
      for (size_t t = 0; t < count; ++t) {
        const float* from = nullptr;
        if (x != nullptr) {
          from = x + t * in_floats;
        } else {
          float* loaded = keep ? input.data() + (first + t) * in_floats : worker.tile[2].data();
          load_tile(given, first + t, loaded);
          from = loaded;
        }
        for (size_t s = segment.first; s <= segment.last; ++s) {
          float* to = s == segment.last ? y + t * out_floats
                      : keep ? output[s].data() + (first + t) * stages[s]->out_size() * kLanes
                             : worker.tile[s % 2].data();
          stages[s]->forward(pass(s, first + t, 1), from, to);
          from = to;
        }
      }
    }
    x = y;
  }
  if (x == nullptr) {  // a network of flatten alone
    for (size_t t = 0; t < count; ++t) {
      load_tile(given, first + t, worker.tile[2].data());
      store_embeddings(worker.tile[2].data(), first + t, embeddings);
    }
    return;
  }
  for (size_t t = 0; t < count; ++t) {
    store_embeddings(x + t * embedding_size * kLanes, first + t, embeddings);
  }
}

void Engine::Plan::backward_group(const float* params, const Matrix& embedding_gradient,
                                  size_t first, size_t count, Worker& worker,
                                  Matrix* image_gradient) {
  float* dy = worker.group[0].data();
  float* other = worker.group[1].data();
  for (size_t t = 0; t < count; ++t) {
    const float* rows[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t i = (first + t) * kLanes + lane;
      rows[lane] = i < embedding_gradient.rows ? embedding_gradient.row(i).data() : nullptr;
    }
    rows_to_tile(rows, embedding_size, dy + t * embedding_size * kLanes);
  }
  const auto backward = [&](size_t s, size_t tile, size_t tiles, float* from, float* to) {
    const Stage& stage = *stages[s];
    const float* x =
        (s == 0 ? input.data() : output[s - 1].data()) + tile * stage.in_size() * kLanes;
    stage.backward({params, tiles, tile * kLanes, dropout, worker.scratch.data(),
                    tape[s].data() + tile * stage.tape_floats()},
                   x, output[s].data() + tile * stage.out_size() * kLanes, from, to,
                   partial[s].data() + tile * stage.partial_floats());
  };
  for (size_t k = segments.size(); k-- > 0;) {
    const Segment& segment = segments[k];
    float* dx = k > 0 || image_gradient != nullptr ? other : nullptr;
    if (segment.several_tiles) {
      backward(segment.first, first, count, dy, dx);
    } else {
      const size_t in_floats = stages[segment.first]->in_size() * kLanes;
      const size_t out_floats = stages[segment.last]->out_size() * kLanes;
      for (size_t t = 0; t < count; ++t) {
        float* from = dy + t * out_floats;
        for (size_t s = segment.last + 1; s-- > segment.first;) {
          float* to = s > segment.first ? worker.tile[s % 2].data()
                      : dx == nullptr   ? nullptr
                                        : dx + t * in_floats;
          backward(s, first + t, 1, from, to);
          from = to;
        }
      }
    }
    std::swap(dy, other);
  }
  if (image_gradient == nullptr) return;
  for (size_t t = 0; t < count; ++t) {
    float* rows[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t i = (first + t) * kLanes + lane;
      rows[lane] = i < images ? image_gradient->row(i).data() : nullptr;
    }
    tile_to_rows(dy + t * image_size * kLanes, image_size, rows);
  }
}

Matrix Engine::Plan::run_forward(std::span<const float> params, std::span<const float* const> given,
                                 bool keep) {
  check_parameters(params.size());
  Matrix embeddings(given.size(), embedding_size);
  const size_t tiles = (given.size() + kLanes - 1) / kLanes;
  if (keep) {
    reserve(tiles);
    images = given.size();
    tile_count = tiles;
  }
  const size_t size = group_size(tiles);
  pool.parallel_for((tiles + size - 1) / size, [&](size_t group, size_t worker) {
    forward_group(params.data(), given, group * size, std::min(size, tiles - group * size), keep,
                  workers[worker], embeddings);
  });
  return embeddings;
}

Engine::Engine(const Network& network, ThreadPool& pool)
    : plan_(std::make_unique<Plan>(network, pool)) {}
Engine::~Engine() = default;

const Network& Engine::network() const { return plan_->network; }

Matrix Engine::embed(std::span<const float> parameters, std::span<const float* const> images) {
  return plan_->run_forward(parameters, images, false);
}

Matrix Engine::forward(std::span<const float> parameters, std::span<const float* const> images,
                       const DropoutSeed* dropout) {
  plan_->dropout = nullptr;
  if (dropout != nullptr) {
    plan_->dropout_seed = *dropout;
    plan_->dropout = &plan_->dropout_seed;
  }
  return plan_->run_forward(parameters, images, true);
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
  if (image_gradient != nullptr) *image_gradient = Matrix(plan.images, plan.image_size);
  const size_t tiles = plan.tile_count, size = plan.group_size(tiles);
  plan.pool.parallel_for((tiles + size - 1) / size, [&](size_t group, size_t worker) {
    plan.backward_group(parameters.data(), embedding_gradient, group * size,
                        std::min(size, tiles - group * size), plan.workers[worker], image_gradient);
  });
  // The tasks of all stages in one row, so that no thread waits between stages.
  std::vector<std::pair<size_t, size_t>> tasks;
  for (size_t s = 0; s < plan.stages.size(); ++s) {
    for (size_t t = 0; t < plan.stages[s]->gradient_tasks(); ++t) tasks.emplace_back(s, t);
  }
  plan.pool.parallel_for(tasks.size(), [&](size_t i, size_t worker) {
    const auto [s, task] = tasks[i];
    plan.stages[s]->gradient(task, tiles, plan.tape[s].data(), plan.partial[s].data(),
                             plan.workers[worker].scratch.data(), parameter_gradient.data());
  });
}

}  // namespace doppel
