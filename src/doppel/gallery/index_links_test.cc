#include "doppel/gallery/index_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<uint32_t> linked(const IndexLinks& links, size_t row, size_t level) {
  const std::span<const uint32_t> to = links.of(row, level);
  return {to.begin(), to.end()};
}

// Rows of random levels with random links, some of their lists full.
IndexLinks random_links(size_t rows) {
  Random random(5, Purpose::sample);
  std::vector<uint8_t> levels(rows);
  for (uint8_t& count : levels) {
    count = static_cast<uint8_t>(random.below(4) == 0 ? 1 + random.below(IndexLinks::kLevels) : 1);
  }
  IndexLinks links;
  links.append(levels);
  for (uint32_t row = 0; row < rows; ++row) {
    for (size_t level = 0; level < levels[row]; ++level) {
      std::vector<uint32_t> to;
      const size_t most = random.below(2) == 0 ? IndexLinks::most(level) : 3;
      for (size_t tries = 0; tries < 40 && to.size() < most; ++tries) {
        const uint32_t other = random.below(static_cast<uint32_t>(rows));
        if (levels[other] > level) to.push_back(other);
      }
      links.set(row, level, to);
    }
    links.enter_by(row);
  }
  return links;
}

TEST(IndexLinks, KeepsAListOnEveryLevelOfARow) {
  IndexLinks links;
  EXPECT_EQ(links.size(), 0u);
  EXPECT_EQ(links.entry(), IndexLinks::kNone);
  links.append(std::vector<uint8_t>{1, 3});
  links.append(std::vector<uint8_t>{2});
  ASSERT_EQ(links.size(), 3u);
  EXPECT_EQ(links.levels(0), 1u);
  EXPECT_EQ(links.levels(1), 3u);
  EXPECT_EQ(links.levels(2), 2u);
  for (size_t row = 0; row < 3; ++row) {
    for (size_t level = 0; level < links.levels(row); ++level) {
      EXPECT_THAT(links.of(row, level), ElementsAre());
    }
  }
  std::vector<uint32_t> full(IndexLinks::most(0), 0);
  links.set(1, 0, full);
  links.set(1, 1, std::vector<uint32_t>{2});
  links.set(2, 1, std::vector<uint32_t>{1, 1, 1});
  links.set(2, 1, std::vector<uint32_t>{1});
  EXPECT_EQ(linked(links, 1, 0), full);
  EXPECT_THAT(links.of(1, 1), ElementsAre(2));
  EXPECT_THAT(links.of(1, 2), ElementsAre());
  EXPECT_THAT(links.of(2, 0), ElementsAre());
  EXPECT_THAT(links.of(2, 1), ElementsAre(1));
  links.enter_by(2);
  links.enter_by(0);
  EXPECT_EQ(links.entry(), 2u);
  links.enter_by(1);
  EXPECT_EQ(links.entry(), 1u);
}

TEST(IndexLinks, ErasesRowsAndEveryLinkToThem) {
  const IndexLinks before = random_links(300);
  for (const uint32_t share : {1u, 2u, 50u}) {  // all, half, a few
    std::vector<bool> marked(300);
    std::vector<uint32_t> moved(300, IndexLinks::kNone);
    Random random(share, Purpose::sample);
    uint32_t kept = 0;
    for (size_t row = 0; row < 300; ++row) {
      marked[row] = random.below(share) == 0;
      if (!marked[row]) moved[row] = kept++;
    }
    IndexLinks links = before;
    links.erase(marked);
    ASSERT_EQ(links.size(), kept);
    size_t most = 0;
    for (size_t row = 0; row < 300; ++row) {
      if (marked[row]) continue;
      ASSERT_EQ(links.levels(moved[row]), before.levels(row));
      most = std::max(most, before.levels(row));
      for (size_t level = 0; level < before.levels(row); ++level) {
        std::vector<uint32_t> expected;
        for (const uint32_t to : before.of(row, level)) {
          if (!marked[to]) expected.push_back(moved[to]);
        }
        EXPECT_EQ(linked(links, moved[row], level), expected);
      }
    }
    if (kept == 0) {
      EXPECT_EQ(links.entry(), IndexLinks::kNone);
    } else {
      EXPECT_EQ(links.levels(links.entry()), most);
    }
  }
}

TEST(IndexLinks, LeavesNothingOfWhatWasErasedInItsMemory) {
  IndexLinks links = random_links(100);
  const auto* const memory = reinterpret_cast<const unsigned char*>(links.of(0, 0).data());
  size_t lists = 0, kept = 0;
  for (size_t row = 0; row < 100; ++row) {
    lists += links.levels(row) + 1;
    if (row < 40) kept += links.levels(row) + 1;
  }
  std::vector<bool> marked(100);
  std::fill(marked.begin() + 40, marked.end(), true);
  links.erase(marked);
  ASSERT_EQ(reinterpret_cast<const unsigned char*>(links.of(0, 0).data()), memory);
  constexpr size_t kListBytes = IndexLinks::kLinks * sizeof(uint32_t);
  EXPECT_TRUE(std::all_of(memory + kept * kListBytes, memory + lists * kListBytes,
                          [](unsigned char byte) { return byte == 0xff; }));
  EXPECT_EQ(links.encode().size(), 40 + kept * kListBytes);
}

TEST(IndexLinks, ComeBackFromBytes) {
  for (const size_t rows : {0u, 1u, 300u}) {
    const IndexLinks links = random_links(rows);
    const std::string bytes = links.encode();
    IndexLinks same = IndexLinks::decode(bytes, rows, links.entry(), "x");
    ASSERT_EQ(same.size(), rows);
    EXPECT_EQ(same.entry(), links.entry());
    EXPECT_EQ(same.encode(), bytes);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t level = 0; level < links.levels(row); ++level) {
        EXPECT_EQ(linked(same, row, level), linked(links, row, level));
      }
    }
    same.append(std::vector<uint8_t>{2});
    EXPECT_EQ(same.levels(rows), 2u);
  }
}

TEST(IndexLinks, AreCheckedOneByOneBeforeTheyAreFollowed) {
  const size_t rows = 60;
  const IndexLinks links = random_links(rows);
  const std::string whole = links.encode();
  const auto reason = [&](const std::string& bytes, uint32_t entry) -> std::string {
    try {
      IndexLinks::decode(bytes, rows, entry, "some file");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(reason(whole, links.entry()), "");
  // Every place of every list, in the order in which they lie.
  size_t at = rows;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t level = 0; level < links.levels(row); ++level) {
      const size_t count = links.of(row, level).size();
      for (size_t i = 0; i < IndexLinks::most(level); ++i, at += sizeof(uint32_t)) {
        const auto with = [&](uint32_t id) {
          std::string forged = whole;
          std::memcpy(forged.data() + at, &id, sizeof id);
          return reason(forged, links.entry());
        };
        const std::string outside = i > count ? "behind the end" : "no template of its level";
        EXPECT_THAT(with(60), HasSubstr(outside));
        EXPECT_THAT(with(0x80000000u), HasSubstr(outside));
        EXPECT_THAT(with(IndexLinks::kNone - 1), HasSubstr(outside));
        if (i + 1 < count) {
          EXPECT_THAT(with(IndexLinks::kNone), HasSubstr("behind the end"));
        }
        for (uint32_t to = 0; level > 0 && to < rows && i <= count; ++to) {
          EXPECT_EQ(with(to) == "", links.levels(to) > level);
        }
      }
    }
  }
  ASSERT_EQ(at, whole.size());
  for (size_t row = 0; row < rows; ++row) {
    for (const char levels : {'\x00', '\x08', '\xff'}) {
      std::string forged = whole;
      forged[row] = levels;
      EXPECT_THAT(reason(forged, links.entry()), HasSubstr("a level that no template has"));
    }
    std::string forged = whole;
    forged[row] = static_cast<char>(forged[row] % 7 + 1);
    EXPECT_THAT(reason(forged, links.entry()), HasSubstr("links were expected"));
    const bool top = links.levels(row) == links.levels(links.entry());
    EXPECT_EQ(reason(whole, static_cast<uint32_t>(row)) == "", top);
  }
  for (const uint32_t entry : {60u, IndexLinks::kNone}) {
    EXPECT_THAT(reason(whole, entry), HasSubstr("entered where nothing is"));
  }
  for (const size_t size : {size_t{0}, size_t{59}, size_t{60}, whole.size() - 1}) {
    EXPECT_THAT(reason(whole.substr(0, size), links.entry()), HasSubstr("bytes"));
  }
  EXPECT_THAT(reason(whole + "x", links.entry()), HasSubstr("bytes"));
  EXPECT_THAT(reason(std::string(1 << 20, '\x07'), links.entry()),
              HasSubstr("no graph of 60 templates has 1048576 bytes"));
  EXPECT_THROW(IndexLinks::decode("", 0, 0, "x"), Error);
}

}  // namespace
}  // namespace doppel::internal
