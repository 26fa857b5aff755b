#include "doppel/gallery/index_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "doppel/base/error.h"
#include "doppel/gallery/index_check.h"
#include "doppel/gallery/index_guide.h"

namespace doppel {
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
}  // namespace doppel
