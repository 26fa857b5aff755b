// What an index is worth on its templates: how often it finds the nearest, and how fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index.h"

namespace doppel::internal {

struct IndexMeasure {
  size_t templates = 0, dimension = 0, probes = 0;
  bool graph = false;
  double recall = 0;    // share of the probes whose first is as near as the nearest of all, 0 .. 1
  double search_s = 0;  // of search() for one probe by itself, seconds, the median over probes
  double exact_s = 0;   // of search_exactly()
  size_t bytes = 0;     // TemplateIndex::bytes()
};

// Templates of the index, `count` of them evenly spread over `ids` (all where there are fewer),
// each moved in a random direction until it is `distance` away from where it was, by the index's
// energy: as another photo of the same person is. Throws Error(bad_argument) where `ids` is empty.
Matrix probes_near(const TemplateIndex& index, std::span<const int64_t> ids, double distance,
                   size_t count, uint64_t seed = 0);

// Searches for all `probes` (n x dimension) with and without the graph, then one by one for as many
// of them as `timed`, evenly spread. Throws as search() does, Error(bad_argument) without probes,
// templates or timed ones.
IndexMeasure measure_index(const TemplateIndex& index, const Matrix& probes, ThreadPool& pool,
                           size_t timed = 32);

}  // namespace doppel::internal
