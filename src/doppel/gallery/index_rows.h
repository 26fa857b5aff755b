// The templates of an index as rows, and the search that compares a probe with each of them: a
// quick sum in single precision selects, energy_of() decides. Inside gallery/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

struct IndexRows {
  size_t dimension = 0;
  Energy energy;
  std::vector<int64_t> ids;
  std::vector<float> values;           // rows x dimension
  std::vector<float> inverse_lengths;  // of each row, of a cosine only; 0 where it is of zeros

  size_t size() const { return ids.size(); }
  std::span<const float> row(size_t i) const { return {values.data() + i * dimension, dimension}; }

  // Behind the others; the first ones without a copy. The embeddings were checked.
  void append(std::span<const int64_t> more_ids, Matrix embeddings);
  // Of the ids that are there already, without values: row i becomes embeddings' row order[i].
  void fill(const Matrix& embeddings, std::span<const size_t> order);
  // Those that are not marked move together, in their order.
  void erase(const std::vector<bool>& marked);
};

// 0 where the row is of zeros.
float inverse_length(std::span<const float> row);
// Sums over n values, in single precision: of squared differences, of products.
float squares(const float* a, const float* b, size_t n);
float products(const float* a, const float* b, size_t n);

// One probe, or one row, as the others are compared with it.
class QuickScore {
 public:
  explicit QuickScore(const IndexRows& rows) : rows_(rows) {}
  void take(std::span<const float> probe);
  void take_row(size_t i);

  // Rises with the energy of the probe and the row, but for rounding: squares of distances without
  // the root, 1 - cosine; of a weighted_l1 the energy itself, which nothing quicker orders.
  float operator()(size_t row) const;

  // A row whose score is beyond this has a higher energy, also as a rounded number, than one whose
  // score is `score`.
  float limit(float score) const;

 private:
  const IndexRows& rows_;
  std::span<const float> probe_;
  float inverse_length_ = 0;
};

// The k of `candidates` (rows) that are nearest by energy_of(), in a search's order.
std::vector<Neighbour> rank_rows(const IndexRows& rows, std::span<const float> probe,
                                 std::span<const uint32_t> candidates, size_t k);

// TemplateIndex::search_exactly().
std::vector<std::vector<Neighbour>> compare_all(const IndexRows& rows, const Matrix& probes,
                                                size_t k, ThreadPool& pool);

}  // namespace doppel::internal
