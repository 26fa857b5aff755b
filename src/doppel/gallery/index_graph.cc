#include "doppel/gallery/index_graph.h"

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/HNSW.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/gallery/index_guide.h"

namespace doppel {
namespace {

static_assert(std::endian::native == std::endian::little, "graphs are written as they lie");

// Links of a row on every level but the lowest, which has twice as many; and how many rows are
// looked at to choose them. bench/index_bench shows what they give.
constexpr int kLinks = 16;
constexpr size_t kLinkBreadth = 128;
// How many rows are looked at to answer a probe. Among more rows more lie by chance between a probe
// and its nearest one as the guide sees them.
size_t search_breadth(size_t rows) {
  constexpr double kBreadth = 96, kOfRows = 20'000;
  return static_cast<size_t>(kBreadth *
                             std::max(1.0, std::sqrt(static_cast<double>(rows) / kOfRows)));
}
// Of templates with one and the same embedding, such as of a photo that was enrolled often, a row
// is linked to so many at most: linked only to each other they would be an island.
constexpr int kEqualLinks = 4;
constexpr size_t kHeadBytes = 3 * sizeof(uint64_t);  // of an encoded graph
constexpr int kLevels = 7;                           // 16^7 rows are more than a graph can name

using Far = faiss::HNSW::NodeDistFarther;     // the nearest on top of a queue
using Close = faiss::HNSW::NodeDistCloser;    // the farthest on top
using Farthest = std::priority_queue<Close>;  // keeps the nearest: drops its top
using Nearest = std::priority_queue<Far>;

// What FAISS asks for distances: by the stand-ins, where there are some.
class RowDistances : public faiss::DistanceComputer {
 public:
  RowDistances(const IndexRows& rows, const IndexGuide& guide)
      : rows_(rows), guide_(guide), score_(rows), between_(rows), guided_(guide.fitted()) {}

  void set_query(const float* probe) override {
    if (!guided_) return score_.take({probe, rows_.dimension});
    projected_.resize(IndexGuide::kSize);
    guide_.project(rows_, {probe, rows_.dimension}, projected_);
    at_ = projected_.data();
  }
  void set_row(uint32_t row) {
    if (guided_) {
      at_ = guide_.row(row).data();
    } else {
      score_.take_row(row);
    }
    own_ = (*this)(row);
  }
  float operator()(idx_t row) override {
    const auto i = static_cast<size_t>(row);
    return guided_ ? squares(at_, guide_.row(i).data(), IndexGuide::kSize) : score_(i);
  }
  float symmetric_dis(idx_t a, idx_t b) override {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    if (guided_) return squares(guide_.row(i).data(), guide_.row(j).data(), IndexGuide::kSize);
    between_.take_row(i);
    return between_(j);
  }
  // Whether a score is that of the row to itself, as it is of its equals.
  bool equal(float score) const { return score == own_; }

 private:
  const IndexRows& rows_;
  const IndexGuide& guide_;
  QuickScore score_, between_;
  bool guided_;
  const float* at_ = nullptr;
  std::vector<float> projected_;
  float own_ = std::numeric_limits<float>::quiet_NaN();
};

// What a thread needs to walk.
struct Walker {
  Walker(const IndexRows& rows, const IndexGuide& guide)
      : distances(rows, guide), visited(static_cast<int>(rows.size())) {}
  RowDistances distances;
  faiss::VisitedTable visited;
};

// The level of a template is a function of its id: 0 for most, one more for each 16th.
int level_of(int64_t id) {
  const double u = 1 - Random(static_cast<uint64_t>(id), Purpose::sample).uniform();
  return std::min(kLevels - 1, static_cast<int>(-std::log(u) / std::log(double{kLinks})));
}

std::span<int> links(faiss::HNSW& graph, size_t row, int level) {
  size_t begin = 0, end = 0;
  graph.neighbor_range(static_cast<int64_t>(row), level, &begin, &end);
  return {graph.neighbors.data() + begin, end - begin};
}

// The `breadth` rows of a level that are nearest to the walker's row, by walking from `start`: the
// paper's algorithm 2, past most of the row's equals. `start` becomes the nearest of them.
Farthest walk(faiss::HNSW& graph, Walker& walker, int level, Far& start, size_t breadth) {
  Farthest found;
  Nearest ahead;
  found.emplace(start.d, start.id);
  ahead.push(start);
  walker.visited.set(start.id);
  int equal = walker.distances.equal(start.d) ? 1 : 0;
  while (!ahead.empty()) {
    const Far at = ahead.top();
    if (at.d > found.top().d && found.size() >= breadth) break;
    ahead.pop();
    if (std::tuple(at.d, at.id) < std::tuple(start.d, start.id)) start = at;
    for (const int next : links(graph, static_cast<size_t>(at.id), level)) {
      if (next < 0) break;
      if (walker.visited.get(next)) continue;
      walker.visited.set(next);
      const float d = walker.distances(next);
      if (walker.distances.equal(d) && ++equal > kEqualLinks) continue;
      if (found.size() < breadth || d < found.top().d) {
        ahead.emplace(d, next);
        found.emplace(d, next);
        if (found.size() > breadth) found.pop();
      }
    }
  }
  walker.visited.advance();
  return found;
}

// Of the candidates those that are worth a link: none that is nearer to a chosen one than to the
// row itself. `candidates` are in no order.
std::vector<int> choose(Walker& walker, std::span<const Far> candidates, int most) {
  std::vector<Far> output;
  Nearest queue;
  int equal = 0;
  for (const Far& candidate : candidates) {
    if (walker.distances.equal(candidate.d) && ++equal > kEqualLinks) continue;
    queue.push(candidate);
    output.push_back(candidate);
  }
  if (output.size() > static_cast<size_t>(most)) {
    output.clear();
    faiss::HNSW::shrink_neighbor_list(walker.distances, queue, output, most);
  }
  std::vector<int> chosen;
  for (const Far& candidate : output) chosen.push_back(candidate.id);
  return chosen;
}

void set_links(std::span<int> list, std::span<const int> chosen) {
  std::ranges::copy(chosen, list.begin());
  std::fill(list.begin() + static_cast<ptrdiff_t>(chosen.size()), list.end(), -1);
}

// A link that a new row asks of an older one.
struct Request {
  int to, level, from;
};

}  // namespace

struct IndexGraph::Parts {
  faiss::HNSW graph{kLinks};
  IndexGuide guide;
  size_t repaired = 0;  // rows taken out since it was made

  size_t size() const { return graph.levels.size(); }
  void make_room(std::span<const int64_t> ids);
  void link_batch(std::span<const uint32_t> batch, std::vector<Walker>& walkers, ThreadPool& pool);
  std::vector<std::vector<int>> choose_links(uint32_t row, Walker& walker);
  void answer(std::span<const Request> requests, Walker& walker);
  std::vector<int> mended(uint32_t row, int level, const std::vector<bool>& marked, Walker& walker);
};

// Rows without links behind the others.
void IndexGraph::Parts::make_room(std::span<const int64_t> ids) {
  if (ids.size() > static_cast<size_t>(std::numeric_limits<int>::max()) - size()) {
    throw Error(ErrorKind::bad_argument, "index: more templates than a graph can name");
  }
  for (const int64_t id : ids) {
    const int levels = level_of(id) + 1;
    graph.levels.push_back(levels);
    graph.offsets.push_back(graph.offsets.back() +
                            static_cast<size_t>(graph.cum_nb_neighbors(levels)));
  }
  graph.neighbors.resize(graph.offsets.back(), -1);
}

// The links of a row to those that are linked already, a list for each level from 0.
std::vector<std::vector<int>> IndexGraph::Parts::choose_links(uint32_t row, Walker& walker) {
  std::vector<std::vector<int>> chosen;
  if (graph.entry_point < 0) return chosen;
  walker.distances.set_row(row);
  Far start(walker.distances(graph.entry_point), graph.entry_point);
  const int own = graph.levels[row] - 1;
  for (int level = graph.max_level; level > own; --level) walk(graph, walker, level, start, 1);
  chosen.resize(static_cast<size_t>(std::min(own, graph.max_level)) + 1);
  for (size_t level = chosen.size(); level-- > 0;) {
    Farthest found = walk(graph, walker, static_cast<int>(level), start, kLinkBreadth);
    std::vector<Far> candidates;
    for (; !found.empty(); found.pop()) candidates.emplace_back(found.top().d, found.top().id);
    chosen[level] = choose(walker, candidates, graph.nb_neighbors(static_cast<int>(level)));
  }
  return chosen;
}

// Links a row to those that ask it, all on one level; of too many the best are kept.
void IndexGraph::Parts::answer(std::span<const Request> requests, Walker& walker) {
  const auto row = static_cast<uint32_t>(requests.front().to);
  const std::span<int> list = links(graph, row, requests.front().level);
  std::vector<int> all;
  for (const int id : list) {
    if (id < 0) break;
    all.push_back(id);
  }
  for (const Request& request : requests) all.push_back(request.from);
  walker.distances.set_row(row);
  std::vector<Far> candidates;
  for (const int id : all) candidates.emplace_back(walker.distances(id), id);
  set_links(list, choose(walker, candidates, static_cast<int>(list.size())));
}

// The rows of a batch are linked to all that were there before it, not to each other: so each finds
// the same graph, whichever thread takes it.
void IndexGraph::Parts::link_batch(std::span<const uint32_t> batch, std::vector<Walker>& walkers,
                                   ThreadPool& pool) {
  std::vector<std::vector<std::vector<int>>> chosen(batch.size());
  pool.parallel_for(batch.size(), [&](size_t i, size_t worker) {
    chosen[i] = choose_links(batch[i], walkers[worker]);
  });
  std::vector<Request> requests;
  for (size_t i = 0; i < batch.size(); ++i) {
    for (size_t level = 0; level < chosen[i].size(); ++level) {
      set_links(links(graph, batch[i], static_cast<int>(level)), chosen[i][level]);
      for (const int to : chosen[i][level]) {
        requests.push_back({to, static_cast<int>(level), static_cast<int>(batch[i])});
      }
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
           walkers[worker]);
  });
  for (const uint32_t row : batch) {
    if (graph.levels[row] - 1 > graph.max_level) {
      graph.max_level = graph.levels[row] - 1;
      graph.entry_point = static_cast<int>(row);
    }
  }
}

IndexGraph::IndexGraph() : parts_(std::make_unique<Parts>()) {
  parts_->graph.max_level = -1;
  parts_->graph.entry_point = -1;
}
IndexGraph::~IndexGraph() = default;
IndexGraph::IndexGraph(IndexGraph&&) noexcept = default;
IndexGraph& IndexGraph::operator=(IndexGraph&&) noexcept = default;

size_t IndexGraph::size() const { return parts_->size(); }

size_t IndexGraph::bytes() const {
  const faiss::HNSW& graph = parts_->graph;
  return graph.levels.capacity() * sizeof(int) + graph.offsets.capacity() * sizeof(size_t) +
         graph.neighbors.capacity() * sizeof(int) + parts_->guide.bytes();
}

void IndexGraph::link(const IndexRows& rows, ThreadPool& pool, const IndexProgress& progress) {
  const size_t before = size();
  const size_t fresh = rows.size() - before;
  if (before == 0 && IndexGuide::suits(rows)) parts_->guide.fit(rows);
  if (parts_->guide.fitted()) parts_->guide.append(rows, pool);
  parts_->make_room(std::span<const int64_t>(rows.ids).subspan(before));
  // In a random order, so that photos of one person, which often come one after the other, are not
  // of one batch.
  std::vector<uint32_t> order(fresh);
  for (size_t i = 0; i < fresh; ++i) order[i] = static_cast<uint32_t>(before + i);
  Random(before, Purpose::shuffle).shuffle(std::span<uint32_t>(order));
  std::vector<Walker> walkers;
  for (int i = 0; i < pool.threads(); ++i) walkers.emplace_back(rows, parts_->guide);
  constexpr size_t kMostInBatch = 4096, kShare = 64;
  for (size_t done = 0; done < fresh;) {
    const size_t count = std::clamp<size_t>(std::min((before + done) / kShare, fresh / kShare), 1,
                                            std::min(kMostInBatch, fresh - done));
    parts_->link_batch(std::span<const uint32_t>(order).subspan(done, count), walkers, pool);
    done += count;
    if (progress) progress(done, fresh);
  }
}

// What a row is linked to on a level when the marked ones are gone: what is left, and what the
// marked ones among its links were linked to.
std::vector<int> IndexGraph::Parts::mended(uint32_t row, int level, const std::vector<bool>& marked,
                                           Walker& walker) {
  const std::span<int> list = links(graph, row, level);
  walker.visited.set(static_cast<int>(row));
  std::vector<int> behind;  // marked ones whose links are still to be looked at
  std::vector<Far> candidates;
  walker.distances.set_row(row);
  const auto meet = [&](std::span<const int> met) {
    for (const int id : met) {
      if (id < 0) break;
      if (walker.visited.get(id)) continue;
      walker.visited.set(id);
      if (marked[static_cast<size_t>(id)]) {
        behind.push_back(id);
      } else {
        candidates.emplace_back(walker.distances(id), id);
      }
    }
  };
  meet(list);
  for (size_t i = 0; i < behind.size() && i < kLinkBreadth; ++i) {
    meet(links(graph, static_cast<size_t>(behind[i]), level));
  }
  walker.visited.advance();
  return choose(walker, candidates, static_cast<int>(list.size()));
}

void IndexGraph::unlink(const IndexRows& rows, const std::vector<bool>& marked, ThreadPool& pool) {
  faiss::HNSW& graph = parts_->graph;
  const size_t n = size();
  std::vector<Walker> walkers;
  for (int i = 0; i < pool.threads(); ++i) walkers.emplace_back(rows, parts_->guide);
  const auto is_marked = [&](int id) { return id >= 0 && marked[static_cast<size_t>(id)]; };
  std::vector<std::pair<uint32_t, int>> torn;  // rows and levels with a link to a marked one
  for (size_t row = 0; row < n; ++row) {
    for (int level = 0; !marked[row] && level < graph.levels[row]; ++level) {
      if (std::ranges::any_of(links(graph, row, level), is_marked)) {
        torn.emplace_back(static_cast<uint32_t>(row), level);
      }
    }
  }
  std::vector<std::vector<int>> chosen(torn.size());
  pool.parallel_for(torn.size(), [&](size_t i, size_t worker) {
    chosen[i] = parts_->mended(torn[i].first, torn[i].second, marked, walkers[worker]);
  });
  for (size_t i = 0; i < torn.size(); ++i) {
    set_links(links(graph, torn[i].first, torn[i].second), chosen[i]);
  }
  std::vector<int> moved(n, -1);  // new numbers
  size_t kept = 0;
  for (size_t row = 0; row < n; ++row) {
    if (!marked[row]) moved[row] = static_cast<int>(kept++);
  }
  IndexGraph rest;
  faiss::HNSW& to = rest.parts_->graph;
  for (size_t row = 0; row < n; ++row) {
    if (marked[row]) continue;
    const int levels = graph.levels[row];
    to.levels.push_back(levels);
    to.offsets.push_back(to.offsets.back() + static_cast<size_t>(to.cum_nb_neighbors(levels)));
    for (size_t at = graph.offsets[row]; at < graph.offsets[row + 1]; ++at) {
      const int id = graph.neighbors[at];
      to.neighbors.push_back(id < 0 ? -1 : moved[static_cast<size_t>(id)]);
    }
    if (levels - 1 > to.max_level) {
      to.max_level = levels - 1;
      to.entry_point = moved[row];
    }
  }
  rest.parts_->guide = std::move(parts_->guide);
  if (rest.parts_->guide.fitted()) rest.parts_->guide.erase(marked);
  rest.parts_->repaired = parts_->repaired + (n - kept);
  *this = std::move(rest);
}

bool IndexGraph::outgrown(const IndexRows& rows) const {
  return !parts_->guide.fitted() && IndexGuide::suits(rows);
}

// Repairs keep what was linked through a row linked, but do not choose as freely as a new graph.
bool IndexGraph::worn() const { return parts_->repaired > size() / 4; }

std::vector<uint32_t> IndexGraph::search(const IndexRows& rows, std::span<const float> probe,
                                         size_t breadth) const {
  Walker walker(rows, parts_->guide);
  walker.distances.set_query(probe.data());
  faiss::SearchParametersHNSW settings;
  breadth = std::max(breadth, search_breadth(size()));
  settings.efSearch = static_cast<int>(breadth);
  std::vector<float> distances(breadth, std::numeric_limits<float>::infinity());
  std::vector<faiss::Index::idx_t> found(breadth, -1);
  parts_->graph.search(walker.distances, static_cast<int>(breadth), found.data(), distances.data(),
                       walker.visited, &settings);
  std::vector<uint32_t> result;
  for (const faiss::Index::idx_t row : found) {
    if (row >= 0) result.push_back(static_cast<uint32_t>(row));
  }
  return result;
}

// How many were taken out, the entry, the length of the guide's directions, these, the levels of
// each row, the links of each.
std::string IndexGraph::encode() const {
  const faiss::HNSW& graph = parts_->graph;
  const std::string directions = parts_->guide.encode();
  std::string bytes;
  bytes.reserve(kHeadBytes + directions.size() + size() + graph.neighbors.size() * sizeof(int));
  const auto append = [&](const void* from, size_t n) {
    bytes.append(static_cast<const char*>(from), n);
  };
  const uint64_t head[] = {parts_->repaired, static_cast<uint64_t>(graph.entry_point),
                           directions.size()};
  append(head, sizeof head);
  bytes += directions;
  for (const int levels : graph.levels) bytes.push_back(static_cast<char>(levels));
  append(graph.neighbors.data(), graph.neighbors.size() * sizeof(int));
  return bytes;
}

size_t IndexGraph::most_bytes(size_t rows, size_t dimension) {
  // A row has 2.07 lists on average; with 3, and some more for a few, nothing real is refused.
  return 4096 + rows * (1 + 4 * size_t{kLinks} * 3) + IndexGuide::kSize * dimension * 4;
}

IndexGraph IndexGraph::decode(std::string_view bytes, const IndexRows& from, ThreadPool& pool,
                              const std::string& name) {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorKind::bad_data, name + ": " + what);
  };
  const size_t rows = from.size();
  IndexGraph result;
  faiss::HNSW& graph = result.parts_->graph;
  uint64_t head[3] = {};
  static_assert(sizeof head == kHeadBytes);
  const size_t most = most_bytes(rows, from.dimension);
  if (bytes.size() >= kHeadBytes) std::memcpy(head, bytes.data(), kHeadBytes);
  const auto [repaired, entry, directions] = head;
  if (bytes.size() > most || directions > most ||
      bytes.size() < kHeadBytes + static_cast<size_t>(directions) + rows) {
    throw fail("no graph of " + std::to_string(rows) + " templates has " +
               std::to_string(bytes.size()) + " bytes");
  }
  result.parts_->guide =
      IndexGuide::decode(bytes.substr(kHeadBytes, directions), from.dimension, name);
  bytes.remove_prefix(kHeadBytes + static_cast<size_t>(directions));
  for (const char levels : bytes.substr(0, rows)) {
    if (levels < 1 || levels > kLevels) throw fail("a level that no template has");
    graph.levels.push_back(levels);
    graph.offsets.push_back(graph.offsets.back() +
                            static_cast<size_t>(graph.cum_nb_neighbors(levels)));
    graph.max_level = std::max(graph.max_level, levels - 1);
  }
  bytes.remove_prefix(rows);
  if (bytes.size() != graph.offsets.back() * sizeof(int)) {
    throw fail(std::to_string(graph.offsets.back()) + " links were expected, not " +
               std::to_string(bytes.size()) + " bytes");
  }
  graph.neighbors.resize(graph.offsets.back());
  std::memcpy(graph.neighbors.data(), bytes.data(), bytes.size());
  const auto reaches = [&](uint64_t id, int level) {
    return id < rows && graph.levels[static_cast<size_t>(id)] > level;
  };
  for (size_t row = 0; row < rows; ++row) {
    for (int level = 0; level < graph.levels[row]; ++level) {
      for (const int id : links(graph, row, level)) {
        if (id != -1 && !reaches(static_cast<uint64_t>(id), level)) {
          throw fail("a link to no template of its level");
        }
      }
    }
  }
  if (rows > 0 ? !reaches(entry, graph.max_level) : entry != static_cast<uint64_t>(-1)) {
    throw fail("it is entered where nothing is");
  }
  graph.entry_point = static_cast<int>(entry);
  result.parts_->repaired = static_cast<size_t>(repaired);
  if (result.parts_->guide.fitted()) result.parts_->guide.append(from, pool);
  return result;
}

}  // namespace doppel
