// One search along a graph's links, for a probe or for a row that is to be linked: which rows lie
// nearest, and which of them are worth a link. Inside gallery/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "doppel/gallery/index_guide.h"
#include "doppel/gallery/index_links.h"
#include "doppel/gallery/index_rows.h"

namespace doppel::internal {

// A row that a walk met, and how far it lies from what the walk is for.
struct MetRow {
  float distance = 0;
  uint32_t row = 0;
};

// Which rows were met. What was met before is forgotten at once, by a new mark.
class VisitedRows {
 public:
  void forget(size_t rows);  // from now on there are so many rows, and none was met
  bool visit(uint32_t row) {
    const bool first = marks_[row] != mark_;
    marks_[row] = mark_;
    return first;
  }

 private:
  std::vector<uint8_t> marks_;
  uint8_t mark_ = 0;
};

// What a walk needs room for, kept from one to the next; of no use to two at a time. It holds
// numbers of rows, no embeddings.
struct WalkMemory {
  VisitedRows visited;
  std::vector<MetRow> found, ahead;
  std::vector<uint32_t> fresh;
};

// Distances are those of the stand-ins, where there are some, else of the rows (QuickScore's). All
// that is given stays with the caller and does not change meanwhile.
class IndexWalk {
 public:
  IndexWalk(const IndexRows& rows, const IndexGuide& guide, const IndexLinks& links,
            WalkMemory& memory);
  IndexWalk(const IndexWalk&) = delete;
  IndexWalk& operator=(const IndexWalk&) = delete;

  // What the walk is for.
  void set_probe(std::span<const float> probe);
  void set_row(uint32_t row);
  MetRow meet(uint32_t row) const { return {distance(row), row}; }

  // The `breadth` rows of a level that are nearest, as far as links lead there from `entry`: the
  // paper's algorithm 2. `entry` becomes the nearest of them. Of rows equal to the one that the
  // walk is for a few are followed. In no order; valid until the walk is asked again.
  std::span<const MetRow> search_level(MetRow& entry, size_t level, size_t breadth);

  // Of the candidates, in any order, `most` or fewer that are worth a link, nearest first: the
  // paper's algorithm 4, without its extensions; all where there are no more, but for equal ones.
  std::vector<uint32_t> select_neighbours(std::span<const MetRow> candidates, size_t most);

  VisitedRows& visited() { return memory_.visited; }

 private:
  float distance(uint32_t row) const {
    return guided_ ? squares(at_, guide_.row(row).data(), IndexGuide::kSize) : score_(row);
  }
  bool equal(float distance) const { return distance == own_; }
  void prefetch(uint32_t row) const;

  const IndexRows& rows_;
  const IndexGuide& guide_;
  const IndexLinks& links_;
  WalkMemory& memory_;
  const bool guided_;
  QuickScore score_, between_;
  std::array<float, IndexGuide::kSize> projected_{};
  const float* at_ = nullptr;                            // a stand-in, where guided
  float own_ = std::numeric_limits<float>::quiet_NaN();  // of the row to itself and its equals
};

// A walk with memory of its own, of a thread that takes one row after another.
struct IndexWalker {
  IndexWalker(const IndexRows& rows, const IndexGuide& guide, const IndexLinks& links)
      : walk(rows, guide, links, memory) {}
  WalkMemory memory;
  IndexWalk walk;
};

// What searches walked with, for those to come: as many as searched at a time. Asked by several
// threads.
class IdleWalks {
 public:
  std::unique_ptr<WalkMemory> take();  // a new one where none is left
  void give_back(std::unique_ptr<WalkMemory> memory);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WalkMemory>> idle_;
};

}  // namespace doppel::internal
