#include "doppel/gallery/index_graph.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "graphs are written as they lie");

// How many rows are looked at to choose a row's links; bench/index_bench shows what they give.
constexpr size_t kLinkBreadth = 128;
// How many rows are looked at to answer a probe. Among more rows more lie by chance between a probe
// and its nearest one as the guide sees them.
size_t search_breadth(size_t rows) {
  constexpr double kBreadth = 96, kOfRows = 20'000;
  return static_cast<size_t>(kBreadth *
                             std::max(1.0, std::sqrt(static_cast<double>(rows) / kOfRows)));
}
// The same for a row of the graph: the walk starts at it, and the nearest few are wanted.
constexpr size_t kAroundBreadth = 64;
constexpr size_t kHeadBytes = 3 * sizeof(uint64_t);  // of an encoded graph

// The levels of a template are a function of its id: 1 for most, one more for each 16th (the
// paper's algorithm 1, line 4).
uint8_t levels_of(int64_t id) {
  const double u = 1 - Random(static_cast<uint64_t>(id), Purpose::sample).uniform();
  const double level = -std::log(u) / std::log(double{IndexLinks::kLinks});
  return static_cast<uint8_t>(1 + std::min(level, double{IndexLinks::kLevels} - 1));
}

}  // namespace

// A link that a new row asks of an older one.
struct IndexGraph::Request {
  uint32_t to;
  size_t level;
  uint32_t from;
};

size_t IndexGraph::bytes() const { return links_.bytes() + guide_.bytes(); }

// The links of a row to those that are linked already, a list for each level from 0: what the
// paper's algorithm 1 finds for a new row.
std::vector<std::vector<uint32_t>> IndexGraph::choose_links(uint32_t row, IndexWalk& walk) const {
  std::vector<std::vector<uint32_t>> chosen;
  if (links_.entry() == IndexLinks::kNone) return chosen;
  walk.set_row(row);
  MetRow start = walk.meet(links_.entry());
  const size_t own = links_.levels(row);
  size_t level = links_.levels(start.row);
  chosen.resize(std::min(own, level));
  while (level-- > own) walk.search_level(start, level, 1);
  for (level = chosen.size(); level-- > 0;) {
    chosen[level] = walk.select_neighbours(walk.search_level(start, level, kLinkBreadth),
                                           IndexLinks::most(level));
  }
  return chosen;
}

// Links a row to those that ask it, all on one level; of too many the best are kept.
void IndexGraph::answer(std::span<const Request> requests, IndexWalk& walk) {
  const auto [row, level, first] = requests.front();
  walk.set_row(row);
  std::vector<MetRow> candidates;
  for (const uint32_t to : links_.of(row, level)) candidates.push_back(walk.meet(to));
  for (const Request& request : requests) candidates.push_back(walk.meet(request.from));
  links_.set(row, level, walk.select_neighbours(candidates, IndexLinks::most(level)));
}

// The rows of a batch are linked to all that were there before it, not to each other: so each finds
// the same graph, whichever thread takes it.
void IndexGraph::link_batch(std::span<const uint32_t> batch, std::deque<IndexWalker>& walkers,
                            ThreadPool& pool) {
  std::vector<std::vector<std::vector<uint32_t>>> chosen(batch.size());
  pool.parallel_for(batch.size(), [&](size_t i, size_t worker) {
    chosen[i] = choose_links(batch[i], walkers[worker].walk);
  });
  std::vector<Request> requests;
  for (size_t i = 0; i < batch.size(); ++i) {
    for (size_t level = 0; level < chosen[i].size(); ++level) {
      links_.set(batch[i], level, chosen[i][level]);
      for (const uint32_t to : chosen[i][level]) requests.push_back({to, level, batch[i]});
    }
  }
  std::ranges::sort(requests, {},
                    [](const Request& r) { return std::tuple(r.to, r.level, r.from); });
  std::vector<size_t> begins;  // of each row's and level's
  for (size_t i = 0; i < requests.size(); ++i) {
    if (i == 0 || requests[i].to != requests[i - 1].to ||
        requests[i].level != requests[i - 1].level) {
      begins.push_back(i);
    }
  }
  begins.push_back(requests.size());
  pool.parallel_for(begins.size() - 1, [&](size_t i, size_t worker) {
    answer(std::span<const Request>(requests).subspan(begins[i], begins[i + 1] - begins[i]),
           walkers[worker].walk);
  });
  for (const uint32_t row : batch) links_.enter_by(row);
}

void IndexGraph::link(const IndexRows& rows, ThreadPool& pool, const IndexProgress& progress) {
  const size_t before = size();
  const size_t fresh = rows.size() - before;
  if (before == 0 && IndexGuide::suits(rows)) guide_.fit(rows);
  if (guide_.fitted()) guide_.append(rows, pool);
  std::vector<uint8_t> levels(fresh);
  for (size_t i = 0; i < fresh; ++i) levels[i] = levels_of(rows.ids[before + i]);
  links_.append(levels);
  // In a random order, so that photos of one person, which often come one after the other, are not
  // of one batch.
  std::vector<uint32_t> order(fresh);
  for (size_t i = 0; i < fresh; ++i) order[i] = static_cast<uint32_t>(before + i);
  Random(before, Purpose::shuffle).shuffle(std::span<uint32_t>(order));
  std::deque<IndexWalker> walkers;
  for (int i = 0; i < pool.threads(); ++i) walkers.emplace_back(rows, guide_, links_);
  constexpr size_t kMostInBatch = 4096, kShare = 64;
  for (size_t done = 0; done < fresh;) {
    const size_t count = std::clamp<size_t>(std::min((before + done) / kShare, fresh / kShare), 1,
                                            std::min(kMostInBatch, fresh - done));
    link_batch(std::span<const uint32_t>(order).subspan(done, count), walkers, pool);
    done += count;
    if (progress) progress(done, fresh);
  }
}

// What a row is linked to on a level when the marked ones are gone: what is left, and what the
// marked ones among its links were linked to.
std::vector<uint32_t> IndexGraph::mended(uint32_t row, size_t level,
                                         const std::vector<bool>& marked, IndexWalk& walk) const {
  walk.set_row(row);
  VisitedRows& visited = walk.visited();
  visited.forget(size());
  visited.visit(row);
  std::vector<uint32_t> behind;  // marked ones whose links are still to be looked at
  std::vector<MetRow> candidates;
  const auto meet = [&](std::span<const uint32_t> met) {
    for (const uint32_t id : met) {
      if (!visited.visit(id)) continue;
      if (marked[id]) {
        behind.push_back(id);
      } else {
        candidates.push_back(walk.meet(id));
      }
    }
  };
  meet(links_.of(row, level));
  for (size_t i = 0; i < behind.size() && i < kLinkBreadth; ++i) meet(links_.of(behind[i], level));
  return walk.select_neighbours(candidates, IndexLinks::most(level));
}

void IndexGraph::unlink(const IndexRows& rows, const std::vector<bool>& marked, ThreadPool& pool) {
  const auto is_marked = [&](uint32_t id) { return marked[id]; };
  std::vector<std::pair<uint32_t, size_t>> torn;  // rows and levels with a link to a marked one
  for (uint32_t row = 0; row < size(); ++row) {
    for (size_t level = 0; !marked[row] && level < links_.levels(row); ++level) {
      if (std::ranges::any_of(links_.of(row, level), is_marked)) torn.emplace_back(row, level);
    }
  }
  std::deque<IndexWalker> walkers;
  for (int i = 0; i < pool.threads(); ++i) walkers.emplace_back(rows, guide_, links_);
  std::vector<std::vector<uint32_t>> chosen(torn.size());
  pool.parallel_for(torn.size(), [&](size_t i, size_t worker) {
    chosen[i] = mended(torn[i].first, torn[i].second, marked, walkers[worker].walk);
  });
  for (size_t i = 0; i < torn.size(); ++i) links_.set(torn[i].first, torn[i].second, chosen[i]);
  const size_t before = size();
  links_.erase(marked);
  if (guide_.fitted()) guide_.erase(marked);
  repaired_ += before - size();
  idle_ = std::make_unique<IdleWalks>();  // they met rows that are gone
}

bool IndexGraph::outgrown(const IndexRows& rows) const {
  return !guide_.fitted() && IndexGuide::suits(rows);
}

// Repairs keep what was linked through a row linked, but do not choose as freely as a new graph.
bool IndexGraph::needs_rebuild() const { return repaired_ > size() / 4; }

std::vector<uint32_t> IndexGraph::search(const IndexRows& rows, std::span<const float> probe,
                                         size_t breadth) const {
  std::vector<uint32_t> result;
  if (links_.entry() == IndexLinks::kNone) return result;
  std::unique_ptr<WalkMemory> memory = idle_->take();
  IndexWalk walk(rows, guide_, links_, *memory);
  walk.set_probe(probe);
  MetRow start = walk.meet(links_.entry());
  for (size_t level = links_.levels(start.row) - 1; level > 0; --level) {
    walk.search_level(start, level, 1);
  }
  for (const MetRow& found :
       walk.search_level(start, 0, std::max(breadth, search_breadth(size())))) {
    result.push_back(found.row);
  }
  idle_->give_back(std::move(memory));
  return result;
}

std::vector<uint32_t> IndexGraph::search_around(const IndexRows& rows, uint32_t row,
                                                size_t breadth) const {
  std::unique_ptr<WalkMemory> memory = idle_->take();
  IndexWalk walk(rows, guide_, links_, *memory);
  walk.set_probe(rows.row(row));
  MetRow start = walk.meet(row);
  std::vector<uint32_t> result;
  for (const MetRow& found : walk.search_level(start, 0, std::max(breadth, kAroundBreadth))) {
    result.push_back(found.row);
  }
  idle_->give_back(std::move(memory));
  return result;
}

// How many were taken out, the entry, the length of the guide's directions, these, the links.
std::string IndexGraph::encode() const {
  const std::string directions = guide_.encode(), links = links_.encode();
  const uint64_t entry = size() == 0 ? UINT64_MAX : links_.entry();
  const uint64_t head[] = {repaired_, entry, directions.size()};
  std::string bytes;
  bytes.reserve(kHeadBytes + directions.size() + links.size());
  bytes.append(reinterpret_cast<const char*>(head), sizeof head);
  return bytes.append(directions).append(links);
}

size_t IndexGraph::most_bytes(size_t rows, size_t dimension) {
  return kHeadBytes + IndexGuide::kSize * dimension * sizeof(float) + IndexLinks::most_bytes(rows);
}

IndexGraph IndexGraph::decode(std::string_view bytes, const IndexRows& rows, ThreadPool& pool,
                              const std::string& name) {
  uint64_t head[3] = {};
  static_assert(sizeof head == kHeadBytes);
  if (bytes.size() >= kHeadBytes) std::memcpy(head, bytes.data(), kHeadBytes);
  const auto [repaired, entry, directions] = head;
  if (bytes.size() < kHeadBytes || directions > bytes.size() - kHeadBytes) {
    throw Error(ErrorKind::bad_data, name + ": it ends within its graph");
  }
  bytes.remove_prefix(kHeadBytes);
  IndexGraph result;
  result.repaired_ = static_cast<size_t>(repaired);
  result.guide_ = IndexGuide::decode(bytes.substr(0, directions), rows.dimension, name);
  result.links_ =
      IndexLinks::decode(bytes.substr(directions), rows.size(),
                         static_cast<uint32_t>(std::min<uint64_t>(entry, IndexLinks::kNone)), name);
  if (result.guide_.fitted()) result.guide_.append(rows, pool);
  return result;
}

}  // namespace doppel::internal
