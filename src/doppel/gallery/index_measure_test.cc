#include "doppel/gallery/index_measure.h"

#include <gtest/gtest.h>

#include <numeric>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

TemplateIndex index_of(const Matrix& rows, IndexKind kind, ThreadPool& pool) {
  TemplateIndex index(rows.columns, {}, kind);
  std::vector<int64_t> ids(rows.rows);
  std::iota(ids.begin(), ids.end(), 1);
  index.add(ids, rows, pool);
  return index;
}

Matrix scattered_rows(size_t n, size_t d) {
  Random random(1, Purpose::sample);
  Matrix rows(n, d);
  for (float& value : rows.values) value = static_cast<float>(random.normal());
  return rows;
}

TEST(IndexMeasure, SaysWhatWasMeasured) {
  ThreadPool pool(2);
  const Matrix rows = scattered_rows(300, 4);
  for (const IndexKind kind : {IndexKind::exact, IndexKind::graph}) {
    const TemplateIndex index = index_of(rows, kind, pool);
    const IndexMeasure measure = measure_index(index, rows, pool, 3);
    EXPECT_EQ(measure.templates, 300u);
    EXPECT_EQ(measure.dimension, 4u);
    EXPECT_EQ(measure.probes, 300u);
    EXPECT_EQ(measure.graph, kind == IndexKind::graph);
    EXPECT_EQ(measure.recall, 1);  // each finds itself
    EXPECT_GT(measure.search_s, 0);
    EXPECT_GT(measure.exact_s, 0);
    EXPECT_EQ(measure.bytes, index.bytes());
    EXPECT_GE(measure.bytes, rows.values.size() * sizeof(float));
  }
}

// In 100 dimensions without any order a graph loses its way, and the figure has to show it.
TEST(IndexMeasure, ShowsWhereTheGraphMisses) {
  ThreadPool pool(2);
  const TemplateIndex index = index_of(scattered_rows(3000, 100), IndexKind::graph, pool);
  Matrix probes = scattered_rows(3500, 100);  // the last of them are no templates
  probes.values.erase(probes.values.begin(), probes.values.begin() + 3000 * 100);
  probes.rows = 500;
  const IndexMeasure measure = measure_index(index, probes, pool, 1);
  EXPECT_LT(measure.recall, 1);
  EXPECT_GT(measure.recall, 0.5);
}

TEST(IndexMeasure, ProbesLieAsFarFromTheirTemplatesAsIsWanted) {
  ThreadPool pool(1);
  const Matrix rows = scattered_rows(10, 20);
  std::vector<int64_t> ids(rows.rows);
  std::iota(ids.begin(), ids.end(), 1);
  for (const auto& [energy, distance] : {std::pair{EnergyKind::euclidean, 3.0},
                                         {EnergyKind::cosine, 0.3},
                                         {EnergyKind::manhattan, 5.0}}) {
    TemplateIndex index(rows.columns, {energy, {}, 0});
    index.add(ids, rows, pool);
    const Matrix probes = probes_near(index, ids, distance, 4);
    ASSERT_EQ(probes.rows, 4u);
    for (size_t i = 0; i < probes.rows; ++i) {
      EXPECT_NEAR(energy_of(index.energy(), probes.row(i), rows.row(i * 10 / 4)), distance, 1e-4);
    }
    EXPECT_EQ(probes_near(index, ids, distance, 100).rows, rows.rows);
  }
  EXPECT_THROW(probes_near(TemplateIndex(20, {}), {}, 1, 4), Error);
}

TEST(IndexMeasure, NeedsTemplatesAndProbes) {
  ThreadPool pool(1);
  const Matrix rows = scattered_rows(3, 2);
  const TemplateIndex index = index_of(rows, IndexKind::exact, pool);
  EXPECT_THROW(measure_index(index, Matrix(0, 2), pool), Error);
  EXPECT_THROW(measure_index(index, rows, pool, 0), Error);
  EXPECT_THROW(measure_index(TemplateIndex(2, {}), rows, pool), Error);
}

}  // namespace
}  // namespace doppel::internal
