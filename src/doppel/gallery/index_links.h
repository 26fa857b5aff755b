// The links of a graph of rows: for each row a list on each of its levels, all in one array, and
// the row at which the graph is entered. Inside gallery/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

// What a hierarchical navigable small world is made of (Malkov and Yashunin, "Efficient and robust
// approximate nearest neighbor search using hierarchical navigable small world graphs", 2018):
// every row is on level 0, fewer and fewer are on the levels above, and links join rows of one
// level.
class IndexLinks {
 public:
  static constexpr size_t kLinks = 16;  // of a row on a level, at most; on level 0 twice as many
  static constexpr size_t kLevels = 7;  // of a row at most; 16^7 rows are more than can be named
  static constexpr uint32_t kNone = UINT32_MAX;

  size_t size() const { return begins_.size() - 1; }
  size_t levels(size_t row) const { return begins_[row + 1] - begins_[row] - 1; }
  // Where every search begins: a row of the most levels, or kNone.
  uint32_t entry() const { return entry_; }

  static constexpr size_t most(size_t level) { return level == 0 ? 2 * kLinks : kLinks; }
  // The rows that a row is linked to on a level, which is one of its own.
  std::span<const uint32_t> of(size_t row, size_t level) const;
  // At most most(level) of them, all on this level.
  void set(size_t row, size_t level, std::span<const uint32_t> to);

  // Rows behind the others, of so many levels each (1 .. kLevels), without links. Throws
  // Error(bad_argument) where there would be more than can be named.
  void append(std::span<const uint8_t> levels);
  // The graph is entered by this row from now on, if it has more levels than the entry.
  void enter_by(uint32_t row);
  // Takes the marked rows out, and every link to them; the rest move together, and what was behind
  // them is overwritten.
  void erase(const std::vector<bool>& marked);

  // The levels of each row, then all lists; the entry is kept by the caller. Decoding throws
  // Error(bad_data) beginning with `name` for what no links of so many rows can be.
  std::string encode() const;
  static IndexLinks decode(std::string_view bytes, size_t rows, uint32_t entry,
                           const std::string& name);
  static size_t most_bytes(size_t rows);

  size_t bytes() const;  // of memory

 private:
  std::span<uint32_t> list(size_t row, size_t level) {
    return {links_.data() + (begins_[row] + (level == 0 ? 0 : level + 1)) * kLinks, most(level)};
  }
  std::span<const uint32_t> list(size_t row, size_t level) const {
    return const_cast<IndexLinks*>(this)->list(row, level);
  }
  void check(const std::string& name) const;

  // Where the lists of a row begin, in lists of kLinks: level 0 takes two of them, each other one.
  std::vector<uint32_t> begins_{0};
  std::vector<uint32_t> links_;  // of each list first the links, then kNone
  uint32_t entry_ = kNone;
};

}  // namespace doppel::internal
