#include "doppel/gallery/index_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "doppel/gallery/index_check.h"

namespace doppel::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Rows 0 .. n-1 at the places 0 .. n-1 of a line.
IndexRows line(size_t n) {
  Matrix values(n, 1);
  for (size_t i = 0; i < n; ++i) values.row(i)[0] = static_cast<float>(i);
  return numbered_rows({}, values);
}

std::vector<uint32_t> rows_of(std::span<const MetRow> candidates) {
  std::vector<uint32_t> rows;
  for (const MetRow& candidate : candidates) rows.push_back(candidate.row);
  return rows;
}

TEST(VisitedRows, ForgetsAsOftenAsItIsAsked) {
  VisitedRows visited;
  for (uint32_t round = 0; round < 1000; ++round) {
    visited.forget(10 + round / 100);  // rows may have come
    const uint32_t last = 9 + round / 100;
    EXPECT_TRUE(visited.visit(last));
    EXPECT_FALSE(visited.visit(last));
    EXPECT_TRUE(round % 7 > 0 || visited.visit(round % 9));
  }
}

TEST(IndexWalk, FollowsLinksToTheNearest) {
  const IndexRows rows = line(50);
  const IndexGuide none;
  IndexLinks links;
  links.append(std::vector<uint8_t>(50, 1));
  for (uint32_t row = 0; row < 40; ++row) {  // those from 40 on are an island
    std::vector<uint32_t> to;
    if (row > 0) to.push_back(row - 1);
    if (row < 39) to.push_back(row + 1);
    links.set(row, 0, to);
  }
  WalkMemory memory;
  IndexWalk walk(rows, none, links, memory);
  const std::vector<float> probe = {20.4f};
  walk.set_probe(probe);
  MetRow entry = walk.meet(0);
  EXPECT_FLOAT_EQ(entry.distance, 20.4f * 20.4f);
  EXPECT_THAT(rows_of(walk.search_level(entry, 0, 3)), UnorderedElementsAre(19, 20, 21));
  EXPECT_EQ(entry.row, 20u);
  EXPECT_NEAR(entry.distance, 0.16, 1e-5);
  EXPECT_THAT(rows_of(walk.search_level(entry, 0, 1)), ElementsAre(20));
  // More than there are; the island is not reached, and not left.
  EXPECT_EQ(walk.search_level(entry, 0, 1000).size(), 40u);
  entry = walk.meet(45);
  EXPECT_THAT(rows_of(walk.search_level(entry, 0, 1000)), ElementsAre(45));
  // For a row itself.
  walk.set_row(7);
  entry = walk.meet(30);
  EXPECT_THAT(rows_of(walk.search_level(entry, 0, 3)), UnorderedElementsAre(6, 7, 8));
}

TEST(IndexWalk, FollowsAFewOfManyEqualRows) {
  Matrix values(40, 2);
  for (size_t i = 30; i < 40; ++i) values.row(i)[0] = 1;
  const IndexRows rows = numbered_rows({}, values);
  const IndexGuide none;
  IndexLinks links;
  links.append(std::vector<uint8_t>(40, 1));
  std::vector<uint32_t> all(30);
  std::iota(all.begin(), all.end(), 1u);
  links.set(0, 0, all);
  WalkMemory memory;
  IndexWalk walk(rows, none, links, memory);
  walk.set_row(5);
  MetRow entry = walk.meet(0);
  const std::vector<uint32_t> found = rows_of(walk.search_level(entry, 0, 100));
  EXPECT_EQ(found.size(), 5u);
  EXPECT_EQ(std::ranges::count(found, 30u), 1);
  std::vector<MetRow> candidates;
  for (uint32_t row = 0; row < 40; ++row) candidates.push_back(walk.meet(row));
  const std::vector<uint32_t> chosen = walk.select_neighbours(candidates, 32);
  EXPECT_EQ(std::ranges::count_if(chosen, [](uint32_t row) { return row < 30; }), 4);
}

TEST(IndexWalk, SelectsWhatNoNearerNeighbourStandsFor) {
  ThreadPool pool(1);
  for (const EnergyKind kind : {EnergyKind::euclidean, EnergyKind::cosine, EnergyKind::manhattan}) {
    for (const size_t n : {300u, 5000u}) {
      IndexRows rows = numbered_rows({kind, {}, 0}, clustered_rows(n / 5, 5, 160, 0.5));
      IndexGuide guide;
      if (IndexGuide::suits(rows)) guide.fit(rows);
      if (guide.fitted()) guide.append(rows, pool);
      EXPECT_EQ(guide.fitted(), n == 5000 && kind != EnergyKind::manhattan);
      const IndexLinks links;
      WalkMemory memory;
      IndexWalk walk(rows, guide, links, memory), other(rows, guide, links, memory);
      for (const uint32_t row : {0u, 17u, 299u}) {
        walk.set_row(row);
        std::vector<MetRow> candidates;
        for (uint32_t i = 0; i < 300; ++i) {
          if (i != row) candidates.push_back(walk.meet((i * 7) % 300));
        }
        std::vector<MetRow> sorted = candidates;
        std::ranges::sort(sorted, {}, [](const MetRow& c) { return std::tie(c.distance, c.row); });
        std::vector<uint32_t> expected;
        for (const MetRow& candidate : sorted) {
          other.set_row(candidate.row);
          const bool shadowed = std::ranges::any_of(expected, [&](uint32_t chosen) {
            return other.meet(chosen).distance < candidate.distance;
          });
          if (!shadowed) expected.push_back(candidate.row);
        }
        ASSERT_GT(expected.size(), 3u);
        EXPECT_EQ(walk.select_neighbours(candidates, 298), expected);
        expected.resize(3);
        EXPECT_EQ(walk.select_neighbours(candidates, 3), expected);
        // As many as there is room for: all, nearest first.
        const std::vector<uint32_t> all = walk.select_neighbours(candidates, 299);
        EXPECT_EQ(all, rows_of(sorted));
      }
    }
  }
}

TEST(IdleWalks, AreTakenAgain) {
  IdleWalks idle;
  std::unique_ptr<WalkMemory> one = idle.take(), two = idle.take();
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  const WalkMemory* const first = one.get();
  idle.give_back(std::move(one));
  const std::unique_ptr<WalkMemory> again = idle.take(), other = idle.take();
  EXPECT_EQ(again.get(), first);
  EXPECT_NE(other.get(), first);
}

}  // namespace
}  // namespace doppel::internal
