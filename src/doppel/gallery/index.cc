#include "doppel/gallery/index.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/gallery/index_graph.h"
#include "doppel/gallery/index_rows.h"

namespace doppel::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "indexes are written as they lie");

constexpr std::pair<IndexKind, const char*> kKinds[] = {
    {IndexKind::automatic, "automatic"}, {IndexKind::exact, "exact"}, {IndexKind::graph, "graph"}};

// Squares of larger values, or the length of a shorter row, would leave single precision.
constexpr float kLargestValue = 1e15f;
constexpr double kShortest = 1e-9;

// A graph that visits every fourth template or more is slower than comparing all.
constexpr size_t kGraphShare = 4;

constexpr std::string_view kMagic = "doppel index 1\n";
constexpr size_t kDigestBytes = 64;

void check_embeddings(const Matrix& embeddings, size_t dimension, const Energy& energy,
                      const std::string& what) {
  if (embeddings.columns != dimension && embeddings.rows > 0) {
    throw Error(ErrorKind::mismatch, "index: " + what + "s have " +
                                         std::to_string(embeddings.columns) + " values, " +
                                         std::to_string(dimension) + " were expected");
  }
  const auto too_large = [](float value) { return !(std::abs(value) <= kLargestValue); };
  for (size_t i = 0; i < embeddings.rows; ++i) {
    const std::span<const float> row = embeddings.row(i);
    // Counted first, for that runs in vectors.
    if (std::ranges::count_if(row, too_large) > 0) {
      throw Error(ErrorKind::bad_data, "index: " + what + " " + std::to_string(i) + " holds " +
                                           std::to_string(*std::ranges::find_if(row, too_large)) +
                                           ", values up to 1e15 were expected");
    }
    if (energy.kind != EnergyKind::cosine) continue;
    double squares = 0;
    for (const float value : row) squares += double{value} * double{value};
    if (squares > 0 && squares < kShortest * kShortest) {
      throw Error(ErrorKind::bad_data, "index: " + what + " " + std::to_string(i) +
                                           " is shorter than 1e-9, too short for a cosine");
    }
  }
}

// A file in the order of its fields; every length is held against what is left.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}
  std::optional<std::string_view> take(size_t n) {
    if (n > bytes_.size()) return std::nullopt;
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  std::optional<uint64_t> number() {
    const std::optional<std::string_view> taken = take(sizeof(uint64_t));
    if (!taken) return std::nullopt;
    uint64_t value = 0;
    std::memcpy(&value, taken->data(), sizeof value);
    return value;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

void append_number(std::string& bytes, uint64_t value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Of what walk(i) meets for each probe the k nearest.
template <typename Walk>
std::vector<std::vector<Neighbour>> ranked_walks(const IndexRows& rows, const Matrix& probes,
                                                 size_t k, ThreadPool& pool, const Walk& walk) {
  std::vector<std::vector<Neighbour>> found(probes.rows);
  pool.parallel_for(probes.rows, [&](size_t i, size_t) {
    found[i] = rank_rows(rows, probes.row(i), walk(i), k);
  });
  // Where the walk ended on an island.
  for (size_t i = 0; i < probes.rows; ++i) {
    if (found[i].size() == k) continue;
    Matrix probe(1, probes.columns);
    std::ranges::copy(probes.row(i), probe.values.begin());
    found[i] = compare_all(rows, probe, k, pool).front();
  }
  return found;
}

}  // namespace

std::string to_string(IndexKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  assert(false);
  return {};
}

IndexKind index_kind_named(const std::string& name) {
  std::string names;
  for (const auto& [kind, known] : kKinds) {
    if (name == known) return kind;
    names.append(names.empty() ? "" : ", ").append(known);
  }
  throw Error(ErrorKind::bad_argument,
              std::string("index: known are ").append(names).append(", not \"" + name + "\""));
}

struct TemplateIndex::Parts {
  IndexKind kind = IndexKind::automatic;
  size_t most_compared = kMostCompared;
  IndexRows rows;
  std::unordered_map<int64_t, uint32_t> row_of;
  std::optional<IndexGraph> graph;  // of all rows, where there is one

  bool wants_graph() const {
    if (rows.energy.kind == EnergyKind::weighted_l1) return false;
    return kind == IndexKind::graph ||
           (kind == IndexKind::automatic && rows.size() > most_compared);
  }
  bool graph_due() const {
    return rows.size() > 0 && wants_graph() &&
           (!graph || graph->needs_rebuild() || graph->outgrown(rows));
  }
  // Each row's number, of ids that may have moved.
  void number_rows() {
    row_of.clear();
    row_of.reserve(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) row_of.emplace(rows.ids[i], static_cast<uint32_t>(i));
  }
  // The rows of ids that are to be taken out; throws remove()'s errors.
  std::vector<bool> marked(std::span<const int64_t> ids) const;
  void check_new(std::span<const int64_t> ids, const Matrix& embeddings) const;
  // What a file says, from its bytes; throws Error(bad_data, mismatch) where it does not fit.
  void read(std::string_view bytes, const std::string& key, std::span<const int64_t> ids,
            const Matrix& embeddings, ThreadPool& pool, const std::string& name);
};

void TemplateIndex::Parts::check_new(std::span<const int64_t> ids, const Matrix& embeddings) const {
  if (embeddings.rows != ids.size()) {
    throw Error(ErrorKind::mismatch, "index: " + std::to_string(ids.size()) + " ids for " +
                                         std::to_string(embeddings.rows) + " templates");
  }
  std::unordered_set<int64_t> met;
  met.reserve(ids.size());
  for (const int64_t id : ids) {
    if (row_of.contains(id) || !met.insert(id).second) {
      throw Error(ErrorKind::bad_argument,
                  "index: template " + std::to_string(id) +
                      (row_of.contains(id) ? " is there already" : " comes twice"));
    }
  }
  check_embeddings(embeddings, rows.dimension, rows.energy, "template");
}

std::vector<bool> TemplateIndex::Parts::marked(std::span<const int64_t> ids) const {
  std::vector<bool> marks(rows.size());
  for (const int64_t id : ids) {
    const auto found = row_of.find(id);
    if (found == row_of.end() || marks[found->second]) {
      throw Error(ErrorKind::bad_argument,
                  "index: template " + std::to_string(id) +
                      (found == row_of.end() ? " is not there" : " comes twice"));
    }
    marks[found->second] = true;
  }
  return marks;
}

TemplateIndex::TemplateIndex(size_t dimension, Energy energy, IndexKind kind, size_t most_compared)
    : parts_(std::make_unique<Parts>()) {
  if (dimension == 0) {
    throw Error(ErrorKind::bad_argument, "index: templates of at least one value were expected");
  }
  if (energy.kind == EnergyKind::weighted_l1) {
    if (kind == IndexKind::graph) {
      throw Error(ErrorKind::bad_argument,
                  "index: a graph does not go with the energy weighted_l1, which is no distance; "
                  "use exact");
    }
    if (energy.weights.size() != dimension) {
      throw Error(ErrorKind::mismatch,
                  "index: the energy weighted_l1 has " + std::to_string(energy.weights.size()) +
                      " weights, but templates have " + std::to_string(dimension) + " values");
    }
  }
  parts_->kind = kind;
  parts_->most_compared = most_compared;
  parts_->rows.dimension = dimension;
  parts_->rows.energy = std::move(energy);
}
TemplateIndex::~TemplateIndex() = default;
TemplateIndex::TemplateIndex(TemplateIndex&&) noexcept = default;
TemplateIndex& TemplateIndex::operator=(TemplateIndex&&) noexcept = default;

size_t TemplateIndex::size() const { return parts_->rows.size(); }
size_t TemplateIndex::dimension() const { return parts_->rows.dimension; }
const Energy& TemplateIndex::energy() const { return parts_->rows.energy; }
bool TemplateIndex::contains(int64_t id) const { return parts_->row_of.contains(id); }
std::span<const float> TemplateIndex::embedding(int64_t id) const {
  return parts_->rows.row(parts_->row_of.at(id));
}
bool TemplateIndex::has_graph() const { return parts_->graph.has_value(); }

size_t TemplateIndex::bytes() const {
  const IndexRows& rows = parts_->rows;
  // A node of the map, its place in the buckets.
  constexpr size_t kMapBytes = 4 * sizeof(void*);
  return (rows.values.capacity() + rows.inverse_lengths.capacity()) * sizeof(float) +
         rows.ids.capacity() * sizeof(int64_t) + rows.size() * kMapBytes +
         (has_graph() ? parts_->graph->bytes() : 0);
}

void TemplateIndex::add(std::span<const int64_t> ids, Matrix embeddings, ThreadPool& pool,
                        const IndexProgress& progress) {
  parts_->check_new(ids, embeddings);
  const size_t before = size();
  parts_->row_of.reserve(before + ids.size());
  parts_->rows.append(ids, std::move(embeddings));
  for (size_t i = before; i < size(); ++i) {
    parts_->row_of.emplace(parts_->rows.ids[i], static_cast<uint32_t>(i));
  }
  if (parts_->kind == IndexKind::graph) {
    if (!parts_->graph || parts_->graph->outgrown(parts_->rows)) parts_->graph.emplace();
  }
  if (!parts_->graph) return;
  try {
    parts_->graph->link(parts_->rows, pool, progress);
  } catch (...) {
    parts_->graph.reset();  // half linked it would miss templates
    throw;
  }
}

bool TemplateIndex::graph_due() const { return parts_->graph_due(); }

void TemplateIndex::make_graph(ThreadPool& pool, const IndexProgress& progress) {
  if (!graph_due()) return;
  IndexGraph made;
  made.link(parts_->rows, pool, progress);
  parts_->graph = std::move(made);
}

void TemplateIndex::remove(std::span<const int64_t> ids, ThreadPool& pool) {
  const std::vector<bool> marks = parts_->marked(ids);
  if (ids.empty()) return;
  if (parts_->graph) parts_->graph->unlink(parts_->rows, marks, pool);
  parts_->rows.erase(marks);
  parts_->number_rows();
  if (!parts_->wants_graph()) parts_->graph.reset();
}

std::vector<std::vector<Neighbour>> TemplateIndex::search_exactly(const Matrix& probes, size_t k,
                                                                  ThreadPool& pool) const {
  check_embeddings(probes, dimension(), energy(), "probe");
  return compare_all(parts_->rows, probes, k, pool);
}

std::vector<std::vector<Neighbour>> TemplateIndex::search(const Matrix& probes, size_t k,
                                                          ThreadPool& pool) const {
  if (!has_graph() || k >= size() / kGraphShare) return search_exactly(probes, k, pool);
  check_embeddings(probes, dimension(), energy(), "probe");
  return ranked_walks(parts_->rows, probes, k, pool, [&](size_t i) {
    return parts_->graph->search(parts_->rows, probes.row(i), k);
  });
}

std::vector<std::vector<Neighbour>> TemplateIndex::search_around(std::span<const int64_t> ids,
                                                                 size_t k, ThreadPool& pool) const {
  Matrix probes(0, dimension());
  for (const int64_t id : ids) {
    if (!contains(id)) {
      throw Error(ErrorKind::bad_argument,
                  "template " + std::to_string(id) + " was to be searched for; it is not there");
    }
    probes.append(embedding(id));
  }
  if (!has_graph() || k >= size() / kGraphShare) return search_exactly(probes, k, pool);
  return ranked_walks(parts_->rows, probes, k, pool, [&](size_t i) {
    return parts_->graph->search_around(parts_->rows, parts_->row_of.at(ids[i]), k);
  });
}

// "doppel index 1\n", the digest of all that follows; then, each with its length or number in
// front: the key, "energy dimension", the ids in the order of the rows, and the graph.
void TemplateIndex::save(const std::filesystem::path& path, const std::string& key) const {
  if (!has_graph()) {
    throw Error(ErrorKind::bad_argument,
                path.string() + ": this index has no graph, so there is nothing to keep");
  }
  if (key.size() > kLongestKey) {
    throw Error(ErrorKind::bad_argument,
                path.string() + ": a key of up to " + std::to_string(kLongestKey) +
                    " bytes was expected, not of " + std::to_string(key.size()));
  }
  std::string body;
  append_number(body, key.size());
  body += key;
  append_number(body, static_cast<uint64_t>(energy().kind));
  append_number(body, dimension());
  append_number(body, size());
  for (const int64_t id : parts_->rows.ids) append_number(body, static_cast<uint64_t>(id));
  body += parts_->graph->encode();
  write_file_atomically(path, std::string(kMagic) + sha256_hex(body) + body);
}

void TemplateIndex::Parts::read(std::string_view bytes, const std::string& key,
                                std::span<const int64_t> ids, const Matrix& embeddings,
                                ThreadPool& pool, const std::string& name) {
  const auto damaged = [&](const std::string& what) {
    return Error(ErrorKind::bad_data, name + ": " + what);
  };
  const auto stale = [&](const std::string& what) {
    return Error(ErrorKind::mismatch, name + ": " + what);
  };
  Fields fields(bytes);
  const std::optional<std::string_view> magic = fields.take(kMagic.size());
  if (magic != kMagic) throw damaged("no index of this version");
  const std::optional<std::string_view> digest = fields.take(kDigestBytes);
  if (!digest || *digest != sha256_hex(fields.rest())) {
    throw damaged("damaged: its bytes are not those of its SHA-256");
  }
  const std::optional<std::string_view> its_key = fields.take(fields.number().value_or(SIZE_MAX));
  if (!its_key) throw damaged("it ends within its key");
  if (*its_key != key) throw stale("made for another gallery or another revision of this one");
  const std::optional<uint64_t> its_energy = fields.number(), its_dimension = fields.number(),
                                its_size = fields.number();
  if (its_energy != static_cast<uint64_t>(rows.energy.kind) || its_dimension != rows.dimension) {
    throw stale("made for another energy or other embeddings");
  }
  if (its_size != ids.size()) throw stale("made for another number of templates");
  const std::optional<std::string_view> its_ids = fields.take(ids.size() * sizeof(int64_t));
  if (!its_ids) throw damaged("it ends within its ids");
  // Rows in the order of the file, from embeddings in the order of `ids`.
  std::unordered_map<int64_t, size_t> given;
  given.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) given.emplace(ids[i], i);
  rows.ids.resize(ids.size());
  std::memcpy(rows.ids.data(), its_ids->data(), its_ids->size());
  std::vector<size_t> order;
  order.reserve(ids.size());
  row_of.reserve(ids.size());
  for (const int64_t id : rows.ids) {
    const auto found = given.find(id);
    if (found == given.end() || !row_of.emplace(id, static_cast<uint32_t>(order.size())).second) {
      throw stale("made for other templates");
    }
    order.push_back(found->second);
  }
  rows.fill(embeddings, order);
  graph = IndexGraph::decode(fields.rest(), rows, pool, name);
}

TemplateIndex::Loaded TemplateIndex::load(const std::filesystem::path& path, const std::string& key,
                                          std::span<const int64_t> ids, const Matrix& embeddings,
                                          const Energy& energy, ThreadPool& pool, IndexKind kind,
                                          size_t most_compared) {
  TemplateIndex index(embeddings.columns, energy, kind, most_compared);
  index.parts_->check_new(ids, embeddings);
  const size_t most = kMagic.size() + kDigestBytes + 4 * sizeof(uint64_t) + kLongestKey +
                      ids.size() * sizeof(int64_t) +
                      IndexGraph::most_bytes(ids.size(), embeddings.columns);
  try {
    index.parts_->read(read_file(path, most), key, ids, embeddings, pool, path.string());
  } catch (const Error& error) {
    return {std::nullopt, error.what()};
  }
  if (!index.parts_->wants_graph()) index.parts_->graph.reset();
  return {std::move(index), {}};
}

}  // namespace doppel::internal
