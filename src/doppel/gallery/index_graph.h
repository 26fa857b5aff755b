// The graph of an index: it links rows as they come, mends the links where rows go, searches along
// them, and becomes bytes and back. Inside gallery/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index.h"
#include "doppel/gallery/index_guide.h"
#include "doppel/gallery/index_links.h"
#include "doppel/gallery/index_rows.h"
#include "doppel/gallery/index_walk.h"

namespace doppel::internal {

// Rows are named by their number; the rows themselves lie with the caller, who passes them along.
class IndexGraph {
 public:
  size_t size() const { return links_.size(); }
  size_t bytes() const;

  // Links the rows that have none yet: size() .. rows.size() - 1. The same links for every number
  // of threads.
  void link(const IndexRows& rows, ThreadPool& pool, const IndexProgress& progress);

  // Takes the marked rows out before they are erased, and links those that were linked to them to
  // each other; the rest move together.
  void unlink(const IndexRows& rows, const std::vector<bool>& marked, ThreadPool& pool);
  // When it should be made anew: so many were taken out, or by so many rows it could be guided.
  bool needs_rebuild() const;
  bool outgrown(const IndexRows& rows) const;

  // The `breadth` rows nearest to the probe or more, in no order; fewer where no more are reached.
  // By several threads at a time.
  std::vector<uint32_t> search(const IndexRows& rows, std::span<const float> probe,
                               size_t breadth) const;
  // The same for a row of the graph, from which the walk starts: so it need not be as broad.
  std::vector<uint32_t> search_around(const IndexRows& rows, uint32_t row, size_t breadth) const;

  // Bytes and back; decoding throws Error(bad_data) beginning with `name` for anything that a graph
  // of these rows cannot be, before it is followed. The bytes are at most most_bytes().
  std::string encode() const;
  static IndexGraph decode(std::string_view bytes, const IndexRows& rows, ThreadPool& pool,
                           const std::string& name);
  static size_t most_bytes(size_t rows, size_t dimension);

 private:
  struct Request;

  void link_batch(std::span<const uint32_t> batch, std::deque<IndexWalker>& walkers,
                  ThreadPool& pool);
  std::vector<std::vector<uint32_t>> choose_links(uint32_t row, IndexWalk& walk) const;
  void answer(std::span<const Request> requests, IndexWalk& walk);
  std::vector<uint32_t> mended(uint32_t row, size_t level, const std::vector<bool>& marked,
                               IndexWalk& walk) const;

  IndexLinks links_;
  IndexGuide guide_;
  size_t repaired_ = 0;  // rows taken out since it was made
  std::unique_ptr<IdleWalks> idle_ = std::make_unique<IdleWalks>();
};

}  // namespace doppel::internal
