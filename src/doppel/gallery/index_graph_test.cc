#include "doppel/gallery/index_graph.h"

#include <gtest/gtest.h>

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/gallery/index_check.h"
#include "doppel/gallery/index_guide.h"

namespace doppel::internal {
namespace {

TEST(TemplateIndexGraph, FindsTheNearestOfPeopleForEveryDistance) {
  ThreadPool pool(2);
  const Matrix rows = clustered_rows(600, 5, 24, 0.3);
  const Matrix probes = clustered_rows(600, 1, 24, 0.3);  // of the same people
  for (const EnergyKind kind : {EnergyKind::euclidean, EnergyKind::squared_euclidean,
                                EnergyKind::cosine, EnergyKind::manhattan}) {
    TemplateIndex index(24, {kind, {}, 0}, IndexKind::graph);
    index.add(ids_from(0, rows.rows), rows, pool);
    ASSERT_TRUE(index.has_graph());
    EXPECT_GE(recall(index, probes, pool), 0.99) << to_string(kind);
    // What it finds has the energy's distances, nearest first.
    for (const auto& found : index.search(probes, 10, pool)) {
      ASSERT_EQ(found.size(), 10u);
      EXPECT_TRUE(std::ranges::is_sorted(found, {}, &Neighbour::distance));
    }
    const Neighbour first = index.search(probes, 10, pool)[3].front();
    EXPECT_EQ(first.distance,
              static_cast<float>(energy_of(index.energy(), probes.row(3),
                                           rows.row(static_cast<size_t>(first.id)))));
  }
}

TEST(TemplateIndexGraph, StaysGoodWhenPeopleComeAndGo) {
  ThreadPool pool(2);
  const Matrix rows = clustered_rows(500, 6, 16, 0.3), probes = clustered_rows(500, 1, 16, 0.3);
  TemplateIndex index(16, {}, IndexKind::graph);
  index.add(ids_from(0, 2000), part(rows, 0, 2000), pool);
  for (size_t i = 2000; i < 2300; ++i) {  // one by one
    index.add(std::vector<int64_t>{static_cast<int64_t>(i)}, part(rows, i, 1), pool);
  }
  EXPECT_GE(recall(index, probes, pool), 0.99);
  for (int64_t i = 0; i < 400; ++i) index.remove(std::vector<int64_t>{5 * i}, pool);
  EXPECT_GE(recall(index, probes, pool), 0.99);
  index.remove(ids_from(2000, 150), pool);
  EXPECT_GE(recall(index, probes, pool), 0.99);
  index.add(ids_from(5000, 700), part(rows, 2300, 700), pool);
  EXPECT_GE(recall(index, probes, pool), 0.99);
  EXPECT_EQ(index.size(), 2450u);
  for (const auto& found : index.search(probes, 20, pool)) {
    for (const Neighbour& neighbour : found) EXPECT_TRUE(index.contains(neighbour.id));
  }
}

TEST(TemplateIndexGraph, FindsAllOfManyEqualTemplates) {
  ThreadPool pool(2);
  const Matrix places = random_rows(40, 8);
  Matrix rows(2000, 8);
  for (size_t i = 0; i < 2000; ++i) std::ranges::copy(places.row(i / 50), rows.row(i).begin());
  TemplateIndex index(8, {}, IndexKind::graph);
  index.add(ids_from(0, 2000), rows, pool);
  EXPECT_EQ(recall(index, places, pool), 1);
}

TEST(TemplateIndexGraph, IsNotLeftHalfLinkedWhereProgressThrows) {
  ThreadPool pool(1);
  const Matrix rows = random_rows(300, 4);
  TemplateIndex index(4, {}, IndexKind::graph);
  struct Stop {};
  EXPECT_THROW(index.add(ids_from(0, 300), rows, pool,
                         [](size_t done, size_t total) {
                           EXPECT_EQ(total, 300u);
                           if (done > 100) throw Stop();
                         }),
               Stop);
  EXPECT_FALSE(index.has_graph());
  expect_by_hand(index, ids_from(0, 300), rows, random_rows(3, 4, 2), 3, pool);
}

// As long as those of a recipe, and varying in few directions, as faces do.
Matrix long_rows(size_t people, size_t photos, uint64_t seed) {
  Matrix rows = clustered_rows(people, photos, 160, 0.3, seed);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t k = 0; k < rows.columns; ++k) {
      rows.row(i)[k] *= 10 / (10 + static_cast<float>(k));
    }
  }
  return rows;
}

TEST(TemplateIndexGraph, WalksLongEmbeddingsByTheirProjections) {
  ThreadPool pool(2);
  const Matrix rows = long_rows(1500, 3, 1), probes = long_rows(300, 1, 1);
  for (const EnergyKind kind : {EnergyKind::euclidean, EnergyKind::cosine}) {
    TemplateIndex index(160, {kind, {}, 0}, IndexKind::graph);
    index.add(ids_from(0, 4000), part(rows, 0, 4000), pool);
    const size_t before = index.bytes();
    index.add(ids_from(4000, 500), part(rows, 4000, 500), pool);
    // From 4096 on; the stand-ins lie beside the rows.
    EXPECT_GT(index.bytes(), before + 4000 * IndexGuide::kSize * sizeof(float));
    EXPECT_GE(recall(index, probes, pool), 0.99) << to_string(kind);
    index.remove(ids_from(1000, 300), pool);
    EXPECT_GE(recall(index, probes, pool), 0.99) << to_string(kind);
    index.add(ids_from(10'000, 300), part(rows, 1000, 300), pool);
    EXPECT_GE(recall(index, probes, pool), 0.99) << to_string(kind);
  }
}

TEST(IndexGraph, IsTheSameForEveryNumberOfThreads) {
  const Matrix values = long_rows(1500, 3, 1), probes = long_rows(20, 1, 2);
  // As many as a guide is fitted on, and few of a distance that has none.
  for (const auto& [kind, first] : {std::pair(EnergyKind::euclidean, IndexGuide::kFewestRows + 100),
                                    std::pair(EnergyKind::manhattan, size_t{900})}) {
    std::vector<std::string> bytes;
    std::vector<std::vector<uint32_t>> found;
    for (const int threads : {1, 2, 4}) {
      ThreadPool pool(threads);
      IndexRows rows = numbered_rows({kind, {}, 0}, part(values, 0, first));
      IndexGraph graph;
      graph.link(rows, pool, {});
      std::vector<bool> marked(rows.size());
      for (size_t i = 0; i < rows.size(); i += 9) marked[i] = true;
      graph.unlink(rows, marked, pool);
      rows.erase(marked);
      rows.append(ids_from(10'000, 300), part(values, 4200, 300));
      graph.link(rows, pool, {});
      bytes.push_back(graph.encode());
      found.emplace_back();
      for (size_t i = 0; i < probes.rows; ++i) {
        const std::vector<uint32_t> own = graph.search(rows, probes.row(i), 10);
        found.back().insert(found.back().end(), own.begin(), own.end());
      }
    }
    for (const size_t i : {1u, 2u}) {
      EXPECT_TRUE(bytes[i] == bytes[0]) << to_string(kind);
      EXPECT_EQ(found[i], found[0]) << to_string(kind);
    }
  }
}

TEST(IndexGraph, IsSearchedBySeveralThreadsAtATime) {
  ThreadPool pool(2);
  const IndexRows rows = numbered_rows({}, clustered_rows(400, 5, 16, 0.3));
  const Matrix probes = clustered_rows(400, 1, 16, 0.3);
  IndexGraph graph;
  graph.link(rows, pool, {});
  std::vector<std::vector<uint32_t>> expected(probes.rows);
  for (size_t i = 0; i < probes.rows; ++i) expected[i] = graph.search(rows, probes.row(i), 10);
  std::vector<std::vector<uint32_t>> found(3 * probes.rows);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < probes.rows; ++i) {
        found[t * probes.rows + i] = graph.search(rows, probes.row(i), 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], expected[i % probes.rows]);
}

TEST(IndexGraph, FindsAllThereIsWhereMoreAreAsked) {
  ThreadPool pool(2);
  IndexGraph graph;
  const Matrix values = random_rows(150, 4);
  EXPECT_TRUE(graph.search(numbered_rows({}, Matrix(0, 4)), values.row(0), 5).empty());
  const IndexRows rows = numbered_rows({}, values);
  graph.link(rows, pool, {});
  std::vector<uint32_t> found = graph.search(rows, values.row(0), 1000);
  std::ranges::sort(found);
  ASSERT_EQ(found.size(), 150u);
  EXPECT_EQ(found.back(), 149u);
  EXPECT_TRUE(std::ranges::adjacent_find(found) == found.end());
}

// Taken apart: how many rows were taken out, the entry, the length of the directions.
std::vector<uint64_t> head_of(const std::string& bytes) {
  std::vector<uint64_t> head(3);
  std::memcpy(head.data(), bytes.data(), 24);
  return head;
}

TEST(IndexGraph, KeepsNothingOfTheRowsThatAreTakenOut) {
  ThreadPool pool(2);
  const Matrix values = clustered_rows(100, 5, 16, 0.3);
  IndexRows rows = numbered_rows({}, values);
  IndexGraph graph;
  graph.link(rows, pool, {});
  std::vector<bool> marked(500);
  std::fill(marked.begin() + 100, marked.begin() + 130, true);
  graph.unlink(rows, marked, pool);
  rows.erase(marked);
  ASSERT_EQ(graph.size(), 470u);
  const std::string bytes = graph.encode();
  // Lists of the others alone, and rows for each link: decoding looks at every one.
  const IndexGraph same = IndexGraph::decode(bytes, rows, pool, "x");
  EXPECT_EQ(same.encode(), bytes);
  EXPECT_EQ(head_of(bytes)[0], 30u);
  // Whoever was linked to them is found by way of others.
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<uint32_t> found = graph.search(rows, rows.row(i), 1);
    EXPECT_TRUE(std::ranges::find(found, i) != found.end()) << i;
  }
  graph.unlink(rows, std::vector<bool>(470, true), pool);
  EXPECT_EQ(graph.size(), 0u);
  EXPECT_EQ(graph.encode().size(), 24u);
  EXPECT_EQ(IndexGraph::decode(graph.encode(), numbered_rows({}, Matrix(0, 16)), pool, "x").size(),
            0u);
}

TEST(IndexGraph, IsNotMadeOfForgedBytes) {
  ThreadPool pool(1);
  for (const size_t n : {300u, 4200u}) {  // without directions and with them
    const IndexRows rows = numbered_rows({}, part(long_rows(1500, 3, 1), 0, n));
    IndexGraph graph;
    graph.link(rows, pool, {});
    const std::string whole = graph.encode();
    ASSERT_EQ(head_of(whole)[2] > 0, n == 4200);
    ASSERT_LE(whole.size(), IndexGraph::most_bytes(n, 160));
    const auto refused = [&](const std::string& bytes) {
      EXPECT_THROW(IndexGraph::decode(bytes, rows, pool, "x"), Error);
    };
    for (const size_t size : {size_t{0}, size_t{23}, size_t{24}, whole.size() - 1}) {
      refused(whole.substr(0, size));
    }
    refused(whole + '\0');
    for (const uint64_t number :
         {uint64_t{1}, uint64_t{n}, uint64_t{1} << 32, UINT64_MAX - 23, UINT64_MAX}) {
      for (const size_t field : {1u, 2u}) {
        if (field == 1 && number == 1) continue;  // may be as good an entry
        std::string forged = whole;
        std::memcpy(forged.data() + field * sizeof number, &number, sizeof number);
        refused(forged);
      }
    }
  }
}

// A file may be forged so that links lead nowhere: what is asked is found all the same.
TEST(TemplateIndexGraph, ComparesAllWhereLinksLeadToTooFew) {
  ThreadPool pool(2);
  const Matrix values = random_rows(200, 4), probes = random_rows(5, 4, 2);
  const std::vector<int64_t> ids = ids_from(0, 200);
  TemplateIndex index(4, {}, IndexKind::graph);
  index.add(ids, values, pool);
  std::string path = (std::filesystem::temp_directory_path() / "doppel_islandsXXXXXX").string();
  const int file = mkstemp(path.data());
  ASSERT_GE(file, 0);
  close(file);
  index.save(path, "key");
  std::string bytes = read_file(path, 1 << 20);
  constexpr size_t kDigestAt = 15, kBodyAt = kDigestAt + 64;
  size_t links = 0;
  for (size_t i = 0; i < 200; ++i) links += 16 * (size_t{1} + 1);
  std::fill(bytes.end() - static_cast<ptrdiff_t>(links * sizeof(uint32_t)), bytes.end(), '\xff');
  bytes.replace(kDigestAt, 64, sha256_hex(std::string_view(bytes).substr(kBodyAt)));
  write_file_atomically(path, bytes);
  const TemplateIndex::Loaded loaded =
      TemplateIndex::load(path, "key", ids, values, {}, pool, IndexKind::graph);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded.index) << loaded.reason;
  ASSERT_TRUE(loaded.index->has_graph());
  const auto found = loaded.index->search(probes, 7, pool);
  for (size_t i = 0; i < probes.rows; ++i) {
    EXPECT_EQ(found[i], by_hand({}, ids, values, probes.row(i), 7));
  }
}

TEST(IndexGuide, HoldsTheDirectionsOfTheGreatestVariance) {
  ThreadPool pool(2);
  IndexRows rows;
  rows.dimension = 160;
  rows.append(ids_from(0, 4500), long_rows(1500, 3, 1));
  ASSERT_TRUE(IndexGuide::suits(rows));
  IndexGuide guide;
  guide.fit(rows);
  guide.append(rows, pool);
  // The first 64 coordinates have the greatest variance: no projection keeps more of the squared
  // distances between rows than they do, but for what the sample does not show.
  double kept = 0, most = 0, all = 0;
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    kept += double{squares(guide.row(i).data(), guide.row(i + 1).data(), IndexGuide::kSize)};
    most += double{squares(rows.row(i).data(), rows.row(i + 1).data(), IndexGuide::kSize)};
    all += double{squares(rows.row(i).data(), rows.row(i + 1).data(), rows.dimension)};
  }
  EXPECT_GT(kept / most, 0.98);
  EXPECT_LT(kept / most, 1.02);
  EXPECT_LT(most / all, 0.95);
  // An orthonormal basis never makes a distance longer.
  for (size_t i = 0; i + 1 < rows.size(); i += 100) {
    EXPECT_LE(squares(guide.row(i).data(), guide.row(i + 1).data(), IndexGuide::kSize),
              1.001f * squares(rows.row(i).data(), rows.row(i + 1).data(), rows.dimension));
  }
  const IndexGuide same = IndexGuide::decode(guide.encode(), 160, "x");
  std::vector<float> a(IndexGuide::kSize), b(IndexGuide::kSize);
  guide.project(rows, rows.row(7), a);
  same.project(rows, rows.row(7), b);
  EXPECT_EQ(a, b);
  EXPECT_THROW(IndexGuide::decode(guide.encode(), 161, "x"), Error);
  std::string bad = guide.encode();
  for (size_t i = 40; i < 44; ++i) bad[i] = static_cast<char>(0xff);  // not a number
  EXPECT_THROW(IndexGuide::decode(bad, 160, "x"), Error);
  EXPECT_FALSE(IndexGuide::decode("", 160, "x").fitted());
}

TEST(IndexGuide, SuitsLongEmbeddingsOfEuclideanDistances) {
  IndexRows rows;
  rows.dimension = 2 * IndexGuide::kSize;
  rows.append(ids_from(0, IndexGuide::kFewestRows),
              Matrix(IndexGuide::kFewestRows, rows.dimension));
  for (const EnergyKind kind :
       {EnergyKind::euclidean, EnergyKind::squared_euclidean, EnergyKind::cosine,
        EnergyKind::manhattan, EnergyKind::weighted_l1}) {
    rows.energy.kind = kind;
    EXPECT_EQ(IndexGuide::suits(rows),
              kind != EnergyKind::manhattan && kind != EnergyKind::weighted_l1);
  }
  rows.energy.kind = EnergyKind::euclidean;
  rows.ids.pop_back();
  EXPECT_FALSE(IndexGuide::suits(rows));
}

}  // namespace
}  // namespace doppel::internal
