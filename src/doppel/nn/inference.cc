#include "doppel/nn/inference.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "doppel/base/aligned.h"
#include "doppel/error.h"
#include "doppel/nn/pass_plan.h"
#include "doppel/nn/planner.h"
#include "doppel/nn/stage.h"
#include "doppel/nn/tiles.h"

namespace doppel::internal {
// Values are numbered from 0, the images; value s + 1 is what stage s gives.
struct Inference::Prepared {
  struct Member {
    std::vector<float> parameters;
    std::vector<AlignedArray<float>> prepared, statistics;  // per stage
  };
  // What a task computes in.
  struct TaskMemory {
    std::vector<AlignedArray<float>> inner, outer;  // buffers of one tile; values of a group
    AlignedArray<float> scratch;
  };

  std::vector<PlannedStage> stages;
  std::vector<Step> steps;
  Placement placement;
  size_t image_size = 0, embedding_size = 0, scratch_floats = 0;
  std::vector<Member> members;
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<TaskMemory>> idle;

  const Stage& stage(size_t s) const { return *stages[s].stage; }
  size_t value_size(size_t v) const { return v == 0 ? image_size : stage(v - 1).out_size(); }

  void plan();
  Member prepare(std::vector<float> parameters) const;
  std::unique_ptr<TaskMemory> take() const;
  void give_back(std::unique_ptr<TaskMemory> memory) const;
  // Tiles first .. first + count - 1.
  void embed_group(const Member& member, std::span<const float* const> images, size_t first,
                   size_t count, TaskMemory& memory, Matrix& embeddings) const;
};

void Inference::Prepared::plan() {
  std::vector<Lifetime> lifetimes(stages.size() + 1);
  for (size_t v = 0; v < lifetimes.size(); ++v) lifetimes[v].size = value_size(v);
  for (size_t s = 0; s < stages.size(); ++s) {
    add_step(steps, stages, Action::forward, s, false);
    lifetimes[s].use(s);
    lifetimes[s + 1].use(s);
    if (stages[s].skip != kNoSkip) lifetimes[stages[s].skip + 1].use(s);
    scratch_floats = std::max(scratch_floats, stage(s).scratch_floats());
  }
  if (!stages.empty()) {
    // An image is loaded where its tile is treated, the embedding read after all.
    lifetimes.front().outer = stage(0).wants_several_tiles();
    lifetimes.back().outer = true;
  }
  placement = place(lifetimes, steps);
}

Inference::Prepared::Member Inference::Prepared::prepare(std::vector<float> parameters) const {
  Member member{std::move(parameters), {}, {}};
  for (const PlannedStage& planned : stages) {
    const Stage& one = *planned.stage;
    member.prepared.emplace_back(one.prepared_floats());
    member.statistics.emplace_back(one.statistics_floats());
    if (one.prepared_floats() > 0) {
      one.prepare(member.parameters.data(), member.prepared.back().data());
    }
    one.load_statistics(member.parameters.data(), member.statistics.back().data());
  }
  return member;
}

std::unique_ptr<Inference::Prepared::TaskMemory> Inference::Prepared::take() const {
  {
    const std::lock_guard lock(mutex);
    if (!idle.empty()) {
      auto memory = std::move(idle.back());
      idle.pop_back();
      return memory;
    }
  }
  auto memory = std::make_unique<TaskMemory>();
  for (const size_t size : placement.buffer_sizes) memory->inner.emplace_back(size * kLanes);
  for (size_t v = 0; v <= stages.size(); ++v) {
    const size_t size = placement.of[v].inner ? 0 : value_size(v);
    memory->outer.emplace_back(size * kLanes * kMostTilesInGroup);
  }
  memory->scratch = AlignedArray<float>(scratch_floats);
  return memory;
}

void Inference::Prepared::give_back(std::unique_ptr<TaskMemory> memory) const {
  const std::lock_guard lock(mutex);
  idle.push_back(std::move(memory));
}

void Inference::Prepared::embed_group(const Member& member, std::span<const float* const> images,
                                      size_t first, size_t count, TaskMemory& memory,
                                      Matrix& embeddings) const {
  const auto at = [&](size_t v, size_t tile) {
    const Placement::Value& where = placement.of[v];
    return where.inner ? memory.inner[where.buffer].data()
                       : memory.outer[v].data() + (tile - first) * value_size(v) * kLanes;
  };
  run_group(steps, stages, first, count, [&](const Step& step, size_t tile, size_t tiles) {
    const size_t s = step.stage;
    if (s == 0) {
      for (size_t t = tile; t < tile + tiles; ++t) load_tile(images, image_size, t, at(0, t));
    }
    const size_t slot = tile * kLanes;
    const Pass pass{.parameters = member.parameters.data(),
                    .prepared = member.prepared[s].data(),
                    .statistics = member.statistics[s].data(),
                    .tiles = tiles,
                    .slot = slot,
                    .images = std::min(tiles * kLanes, images.size() - slot),
                    .dropout = nullptr,
                    .scratch = memory.scratch.data(),
                    .tape = nullptr};
    const size_t skip = stages[s].skip;
    float* const y = at(s + 1, tile);
    stage(s).forward(pass, at(s, tile), skip != kNoSkip ? at(skip + 1, tile) : nullptr, y);
    if (s + 1 < stages.size()) return;
    for (size_t t = 0; t < tiles; ++t) {
      store_tile(y + t * embedding_size * kLanes, embedding_size, tile + t, embeddings);
    }
  });
}

Inference::Inference(const Network& network, std::vector<std::vector<float>> members) {
  auto prepared = std::make_unique<Prepared>();
  prepared->stages = plan_stages(network);
  prepared->image_size = network.input.size();
  prepared->embedding_size = doppel::internal::embedding_size(network);
  prepared->plan();
  const size_t expected = parameter_count(network);
  for (std::vector<float>& parameters : members) {
    if (parameters.size() != expected) {
      throw Error(ErrorKind::mismatch, "the network has " + std::to_string(expected) +
                                           " parameters, not " + std::to_string(parameters.size()));
    }
    prepared->members.push_back(prepared->prepare(std::move(parameters)));
  }
  prepared_ = std::move(prepared);
}

Inference::~Inference() = default;

size_t Inference::members() const { return prepared_->members.size(); }
size_t Inference::embedding_size() const { return prepared_->embedding_size; }

Matrix Inference::embed(size_t member, std::span<const float* const> images,
                        ThreadPool& pool) const {
  const Prepared& prepared = *prepared_;
  Matrix embeddings(images.size(), prepared.embedding_size);
  if (prepared.stages.empty()) {  // a network of flatten alone
    for (size_t i = 0; i < images.size(); ++i) {
      std::copy_n(images[i], prepared.image_size, embeddings.row(i).begin());
    }
    return embeddings;
  }
  const size_t tiles = tiles_of(images.size());
  const size_t size = tiles_in_group(tiles, pool.threads());
  pool.parallel_for((tiles + size - 1) / size, [&](size_t group, size_t) {
    const size_t first = group * size;
    auto memory = prepared.take();
    prepared.embed_group(prepared.members.at(member), images, first, std::min(size, tiles - first),
                         *memory, embeddings);
    prepared.give_back(std::move(memory));
  });
  return embeddings;
}

}  // namespace doppel::internal
