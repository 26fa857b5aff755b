// Who of many is nearest? Templates (embeddings of enrolled photos) and probes come in, the k
// nearest templates of each probe go out, with the distances that verification would measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

// `exact` compares a probe with every template. `graph` goes along the links of a hierarchical
// navigable small world (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor
// search using hierarchical navigable small world graphs", 2018), which misses a nearest one now
// and then. `automatic` goes along a graph once make_graph() has made one, which is due beyond
// kMostCompared templates.
enum class IndexKind { automatic, exact, graph };

// Up to here comparing all takes less than making the graph is worth; bench/index_bench measures.
inline constexpr size_t kMostCompared = 100'000;

// "automatic", "exact", "graph"; index_kind_named throws Error(bad_argument) that lists these.
std::string to_string(IndexKind kind);
IndexKind index_kind_named(const std::string& name);

// A template as a search finds it.
struct Neighbour {
  int64_t id = 0;
  float distance = 0;  // energy_of(probe, template), rounded

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// Told after every batch of templates that was linked, `done` of `total`. What it throws stops the
// linking: the templates are then in the index, without a graph.
using IndexProgress = std::function<void(size_t done, size_t total)>;

// Templates under ids of the caller's. Like a container: searched by several threads at a time, if
// nobody changes it meanwhile. What a call gives does not depend on the number of threads. All
// changes are all or nothing, but for want of memory.
class TemplateIndex {
 public:
  struct Loaded;

  // Of templates with `dimension` values; an `automatic` one is due a graph where there are more
  // than `most_compared`. Throws Error(bad_argument) where that is 0, or where a graph is asked for
  // an energy whose order is not that of a distance (weighted_l1: `automatic` stays exact);
  // Error(mismatch) where the energy has weights for another dimension.
  TemplateIndex(size_t dimension, Energy energy, IndexKind kind = IndexKind::automatic,
                size_t most_compared = kMostCompared);
  ~TemplateIndex();
  TemplateIndex(TemplateIndex&&) noexcept;
  TemplateIndex& operator=(TemplateIndex&&) noexcept;

  // Adds a template for each id, and links it where there is a graph. embeddings: ids x dimension.
  // Throws Error(mismatch) where these are of another size, Error(bad_argument) for an id that is
  // there already or comes twice, Error(bad_data) for values that are not finite or beyond 1e15, or
  // where a cosine is asked of an embedding shorter than 1e-9 (one of zeros has no direction, but
  // is welcome).
  void add(std::span<const int64_t> ids, Matrix embeddings, ThreadPool& pool,
           const IndexProgress& progress = {});

  // Takes templates out, and the links to them; nothing of them is kept. Throws Error(bad_argument)
  // for an id that is not there or comes twice.
  void remove(std::span<const int64_t> ids, ThreadPool& pool);

  // Whether a graph is wanted that is not there, or the one there is has lost so much by removals
  // that a new one would find more. False of an `exact` index and of one of few templates.
  bool graph_due() const;
  // Makes the graph anew; about a second for 2000 templates. What `progress` throws leaves the
  // index as it was. Does nothing where graph_due() is false.
  void make_graph(ThreadPool& pool, const IndexProgress& progress = {});

  // The k nearest of each probe, or all where there are fewer: nearest first, of equally near ones
  // the lower id. probes: n x dimension. Throws as add() does for embeddings.
  std::vector<std::vector<Neighbour>> search(const Matrix& probes, size_t k,
                                             ThreadPool& pool) const;
  // The same for templates of the index by their ids, each of which finds itself. Along a graph it
  // takes a fraction of the time, as a walk starts where it ends. Throws Error(bad_argument) for an
  // id that is not there.
  std::vector<std::vector<Neighbour>> search_around(std::span<const int64_t> ids, size_t k,
                                                    ThreadPool& pool) const;
  // Without the graph, to compare with.
  std::vector<std::vector<Neighbour>> search_exactly(const Matrix& probes, size_t k,
                                                     ThreadPool& pool) const;

  size_t size() const;
  size_t dimension() const;
  const Energy& energy() const;
  bool contains(int64_t id) const;
  // Valid until the index changes; the id is there.
  std::span<const float> embedding(int64_t id) const;
  bool has_graph() const;  // whether there is something to save()
  size_t bytes() const;    // of memory, about

  // Keeps the graph, so that it need not be made again; templates are not in the file, they stay
  // in one place. `key` names what the index was made of: a gallery and its revision. Written all
  // or nothing. Throws Error(bad_argument) where there is no graph or the key is longer than
  // kLongestKey, Error(io).
  void save(const std::filesystem::path& path, const std::string& key) const;

  // What save() wrote, over the templates that it was saved with, in any order. Where the file is
  // missing, cannot be read, is damaged, or was written for another key or other templates, there
  // is no index but a reason, and the caller makes it with add(). The file's bytes are
  // checked against their SHA-256, and every link by itself, before anything follows them. Throws
  // as the constructor and add() do.
  static Loaded load(const std::filesystem::path& path, const std::string& key,
                     std::span<const int64_t> ids, const Matrix& embeddings, const Energy& energy,
                     ThreadPool& pool, IndexKind kind = IndexKind::automatic,
                     size_t most_compared = kMostCompared);

  static constexpr size_t kLongestKey = 4096;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct TemplateIndex::Loaded {
  std::optional<TemplateIndex> index;
  std::string reason;  // one sentence, where there is no index
};

}  // namespace doppel::internal
