#include "doppel/gallery/index_links.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "links are written as they lie");

}  // namespace

std::span<const uint32_t> IndexLinks::of(size_t row, size_t level) const {
  const std::span<const uint32_t> places = list(row, level);
  size_t count = 0;
  while (count < places.size() && places[count] != kNone) ++count;
  return places.first(count);
}

void IndexLinks::set(size_t row, size_t level, std::span<const uint32_t> to) {
  const std::span<uint32_t> places = list(row, level);
  assert(to.size() <= places.size());
  std::fill(std::ranges::copy(to, places.begin()).out, places.end(), kNone);
}

void IndexLinks::append(std::span<const uint8_t> levels) {
  size_t end = begins_.back();
  for (const uint8_t count : levels) end += size_t{count} + 1;
  // Rows have two lists or more, so their numbers are less.
  if (end > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::bad_argument, "index: more templates than a graph can name");
  }
  begins_.reserve(begins_.size() + levels.size());
  links_.resize(end * kLinks, kNone);
  for (const uint8_t count : levels) begins_.push_back(begins_.back() + count + 1);
}

void IndexLinks::enter_by(uint32_t row) {
  if (entry_ == kNone || levels(row) > levels(entry_)) entry_ = row;
}

void IndexLinks::erase(const std::vector<bool>& marked) {
  std::vector<uint32_t> moved(size(), kNone);  // new numbers
  uint32_t kept = 0;
  for (size_t row = 0; row < moved.size(); ++row) {
    if (!marked[row]) moved[row] = kept++;
  }
  entry_ = kNone;
  size_t begin = 0, end = 0;  // of the row's lists; of those that are kept
  for (size_t row = 0; row < moved.size(); ++row) {
    const size_t next = begins_[row + 1], count = next - begin;
    if (!marked[row]) {
      const uint32_t to = moved[row];
      if (end != begin) {
        std::copy_n(links_.begin() + static_cast<ptrdiff_t>(begin * kLinks), count * kLinks,
                    links_.begin() + static_cast<ptrdiff_t>(end * kLinks));
      }
      begins_[to] = static_cast<uint32_t>(end);
      end += count;
      begins_[to + 1] = static_cast<uint32_t>(end);
      for (size_t level = 0; level < levels(to); ++level) {
        const std::span<uint32_t> places = list(to, level);
        auto last = places.begin();
        for (const uint32_t old : of(to, level)) {
          if (moved[old] != kNone) *last++ = moved[old];
        }
        std::fill(last, places.end(), kNone);
      }
      enter_by(to);
    }
    begin = next;
  }
  // What was taken out is not to lie in memory behind the end.
  std::fill(links_.begin() + static_cast<ptrdiff_t>(end * kLinks), links_.end(), kNone);
  links_.resize(end * kLinks);
  std::fill(begins_.begin() + static_cast<ptrdiff_t>(kept) + 1, begins_.end(), 0);
  begins_.resize(size_t{kept} + 1);
}

std::string IndexLinks::encode() const {
  std::string bytes;
  bytes.reserve(size() + links_.size() * sizeof(uint32_t));
  for (size_t row = 0; row < size(); ++row) bytes.push_back(static_cast<char>(levels(row)));
  bytes.append(reinterpret_cast<const char*>(links_.data()), links_.size() * sizeof(uint32_t));
  return bytes;
}

IndexLinks IndexLinks::decode(std::string_view bytes, size_t rows, uint32_t entry,
                              const std::string& name) {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorKind::bad_data, name + ": " + what);
  };
  if (bytes.size() < rows || bytes.size() > most_bytes(rows)) {
    throw fail("no graph of " + std::to_string(rows) + " templates has " +
               std::to_string(bytes.size()) + " bytes");
  }
  std::vector<uint8_t> levels(rows);
  if (rows > 0) std::memcpy(levels.data(), bytes.data(), rows);
  bytes.remove_prefix(rows);
  size_t expected = 0;
  for (const uint8_t count : levels) {
    if (count < 1 || count > kLevels) throw fail("a level that no template has");
    expected += (size_t{count} + 1) * kLinks;
  }
  if (bytes.size() != expected * sizeof(uint32_t)) {
    throw fail(std::to_string(expected) + " links were expected, not " +
               std::to_string(bytes.size()) + " bytes");
  }
  IndexLinks result;
  result.append(levels);
  if (rows > 0) std::memcpy(result.links_.data(), bytes.data(), bytes.size());
  result.entry_ = entry;
  result.check(name);
  return result;
}

void IndexLinks::check(const std::string& name) const {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorKind::bad_data, name + ": " + what);
  };
  size_t top = 0;
  for (size_t row = 0; row < size(); ++row) {
    top = std::max(top, levels(row));
    for (size_t level = 0; level < levels(row); ++level) {
      const std::span<const uint32_t> to = of(row, level);
      const auto leads_nowhere = [&](uint32_t id) {
        return id >= size() || (level > 0 && levels(id) <= level);
      };
      if (std::ranges::any_of(to, leads_nowhere)) throw fail("a link to no template of its level");
      const std::span<const uint32_t> rest = list(row, level).subspan(to.size());
      if (std::ranges::any_of(rest, [](uint32_t id) { return id != kNone; })) {
        throw fail("a link behind the end of its list");
      }
    }
  }
  if (size() == 0 ? entry_ != kNone : entry_ >= size() || levels(entry_) != top) {
    throw fail("it is entered where nothing is");
  }
}

size_t IndexLinks::most_bytes(size_t rows) {
  // A row has 2.07 lists on average; with 3, and some more for a few, nothing real is refused.
  return 4096 + rows * (1 + 3 * kLinks * sizeof(uint32_t));
}

size_t IndexLinks::bytes() const {
  return (begins_.capacity() + links_.capacity()) * sizeof(uint32_t);
}

}  // namespace doppel::internal
