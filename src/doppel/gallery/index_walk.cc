#include "doppel/gallery/index_walk.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace doppel::internal {
namespace {

// Of templates with one and the same embedding, such as of a photo that was enrolled often, a row
// is linked to so many at most: linked only to each other they would be an island.
constexpr int kEqualLinks = 4;

bool nearer(const MetRow& a, const MetRow& b) {
  return std::tie(a.distance, a.row) < std::tie(b.distance, b.row);
}
bool farther(const MetRow& a, const MetRow& b) { return nearer(b, a); }

// Heaps: the farthest of what was found is in front, the nearest of what lies ahead.
template <typename Order>
void push(std::vector<MetRow>& heap, MetRow row, Order order) {
  heap.push_back(row);
  std::ranges::push_heap(heap, order);
}
template <typename Order>
MetRow pop(std::vector<MetRow>& heap, Order order) {
  std::ranges::pop_heap(heap, order);
  const MetRow first = heap.back();
  heap.pop_back();
  return first;
}

}  // namespace

void VisitedRows::forget(size_t rows) {
  if (++mark_ == 0) {  // marks of long ago
    std::ranges::fill(marks_, uint8_t{0});
    mark_ = 1;
  }
  marks_.resize(rows, 0);
}

IndexWalk::IndexWalk(const IndexRows& rows, const IndexGuide& guide, const IndexLinks& links,
                     WalkMemory& memory)
    : rows_(rows),
      guide_(guide),
      links_(links),
      memory_(memory),
      guided_(guide.fitted()),
      score_(rows),
      between_(rows) {}

void IndexWalk::set_probe(std::span<const float> probe) {
  own_ = std::numeric_limits<float>::quiet_NaN();
  if (!guided_) return score_.take(probe);
  guide_.project(rows_, probe, projected_);
  at_ = projected_.data();
}

void IndexWalk::set_row(uint32_t row) {
  if (guided_) {
    at_ = guide_.row(row).data();
  } else {
    score_.take_row(row);
  }
  own_ = distance(row);
}

// A walk jumps about in memory, so it asks for all that it will look at before it looks.
void IndexWalk::prefetch(uint32_t row) const {
  constexpr size_t kLine = 64 / sizeof(float), kMost = IndexGuide::kSize;
  const float* const values = guided_ ? guide_.row(row).data() : rows_.row(row).data();
  const size_t size = guided_ ? kMost : std::min(kMost, rows_.dimension);
  for (size_t i = 0; i < size; i += kLine) __builtin_prefetch(values + i);
}

std::span<const MetRow> IndexWalk::search_level(MetRow& entry, size_t level, size_t breadth) {
  auto& [visited, found, ahead, fresh] = memory_;
  visited.forget(links_.size());
  visited.visit(entry.row);
  found.assign(1, entry);
  ahead.assign(1, entry);
  int equals = equal(entry.distance) ? 1 : 0;
  while (!ahead.empty()) {
    const MetRow at = pop(ahead, farther);
    if (found.size() >= breadth && at.distance > found.front().distance) break;
    if (nearer(at, entry)) entry = at;
    fresh.clear();
    for (const uint32_t row : links_.of(at.row, level)) {
      if (!visited.visit(row)) continue;
      fresh.push_back(row);
      prefetch(row);
    }
    for (const uint32_t row : fresh) {
      const MetRow met = meet(row);
      if (equal(met.distance) && ++equals > kEqualLinks) continue;
      if (found.size() >= breadth) {
        if (!(met.distance < found.front().distance)) continue;
        pop(found, nearer);
      }
      push(found, met, nearer);
      push(ahead, met, farther);
    }
  }
  return found;
}

std::vector<uint32_t> IndexWalk::select_neighbours(std::span<const MetRow> candidates,
                                                   size_t most) {
  std::vector<MetRow> queue;
  int equals = 0;
  for (const MetRow& candidate : candidates) {
    if (!equal(candidate.distance) || ++equals <= kEqualLinks) queue.push_back(candidate);
  }
  std::ranges::sort(queue, nearer);
  const bool all = queue.size() <= most;
  std::vector<uint32_t> chosen;
  for (const MetRow& candidate : queue) {
    if (chosen.size() == most) break;
    if (!guided_) between_.take_row(candidate.row);
    // One that is nearer to a chosen row than to this one is reached by way of it.
    const auto shadows = [&](uint32_t other) {
      const float distance = guided_ ? squares(guide_.row(candidate.row).data(),
                                               guide_.row(other).data(), IndexGuide::kSize)
                                     : between_(other);
      return distance < candidate.distance;
    };
    if (all || std::ranges::none_of(chosen, shadows)) chosen.push_back(candidate.row);
  }
  return chosen;
}

std::unique_ptr<WalkMemory> IdleWalks::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<WalkMemory> memory = std::move(idle_.back());
      idle_.pop_back();
      return memory;
    }
  }
  return std::make_unique<WalkMemory>();
}

void IdleWalks::give_back(std::unique_ptr<WalkMemory> memory) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(memory));
}

}  // namespace doppel::internal
