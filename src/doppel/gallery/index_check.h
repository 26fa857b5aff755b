// What the tests of an index share: templates to put into it, and what a search should find.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/random.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index.h"
#include "doppel/gallery/index_rows.h"

namespace doppel::internal {

inline Matrix random_rows(size_t n, size_t d, uint64_t seed = 1) {
  Random random(seed, Purpose::sample);
  Matrix rows(n, d);
  for (float& value : rows.values) value = static_cast<float>(random.normal());
  return rows;
}

// Several photos of each person: a place of one's own, and a little beside it.
inline Matrix clustered_rows(size_t people, size_t photos, size_t d, double within,
                             uint64_t seed = 1) {
  const Matrix places = random_rows(people, d, seed);
  Matrix rows = random_rows(people * photos, d, seed + 1);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t k = 0; k < d; ++k) {
      float& value = rows.row(i)[k];
      value = places.row(i / photos)[k] + static_cast<float>(within) * value;
    }
  }
  return rows;
}

inline std::vector<int64_t> ids_from(int64_t first, size_t n) {
  std::vector<int64_t> ids(n);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

inline Matrix part(const Matrix& rows, size_t first, size_t n) {
  Matrix result(n, rows.columns);
  std::copy_n(rows.values.begin() + static_cast<ptrdiff_t>(first * rows.columns), n * rows.columns,
              result.values.begin());
  return result;
}

// Under the ids 0, 1, ...
inline IndexRows numbered_rows(const Energy& energy, const Matrix& values) {
  IndexRows rows;
  rows.dimension = values.columns;
  rows.energy = energy;
  rows.append(ids_from(0, values.rows), values);
  return rows;
}

// Energies of all, sorted.
inline std::vector<Neighbour> by_hand(const Energy& energy, const std::vector<int64_t>& ids,
                                      const Matrix& rows, std::span<const float> probe, size_t k) {
  std::vector<Neighbour> all;
  for (size_t i = 0; i < ids.size(); ++i) {
    all.push_back({ids[i], static_cast<float>(energy_of(energy, probe, rows.row(i)))});
  }
  std::ranges::sort(all, {}, [](const Neighbour& n) { return std::tuple(n.distance, n.id); });
  all.resize(std::min(k, all.size()));
  return all;
}

inline void expect_by_hand(const TemplateIndex& index, const std::vector<int64_t>& ids,
                           const Matrix& rows, const Matrix& probes, size_t k, ThreadPool& pool) {
  const auto found = index.search_exactly(probes, k, pool);
  ASSERT_EQ(found.size(), probes.rows);
  for (size_t i = 0; i < probes.rows; ++i) {
    EXPECT_EQ(found[i], by_hand(index.energy(), ids, rows, probes.row(i), k)) << "probe " << i;
  }
}

// How many probes find by the graph what they find without it, at the same distance.
inline double recall(const TemplateIndex& index, const Matrix& probes, ThreadPool& pool) {
  const auto exact = index.search_exactly(probes, 1, pool), found = index.search(probes, 1, pool);
  double same = 0;
  for (size_t i = 0; i < probes.rows; ++i) {
    if (found[i].front().distance == exact[i].front().distance) ++same;
  }
  return same / static_cast<double>(probes.rows);
}

}  // namespace doppel::internal
