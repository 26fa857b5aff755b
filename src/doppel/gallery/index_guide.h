// Short stand-ins for long embeddings, by which a graph is walked: their projections onto the
// directions in which embeddings differ most. Inside gallery/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index_rows.h"

namespace doppel::internal {

// Embeddings of faces vary in few directions: 64 hold most of the distance between two, and are
// read ten times faster. What is found by them is ranked by the embeddings themselves.
class IndexGuide {
 public:
  static constexpr size_t kSize = 64;
  static constexpr size_t kFewestRows = 4096;  // to find the directions by

  // Whether rows of this kind may be projected: those whose distance is Euclidean, or, of unit
  // length, as good as that; and which are long enough for a difference.
  static bool suits(const IndexRows& rows);

  // Directions of the greatest variance of the rows, by subspace iteration (Halko, Martinsson and
  // Tropp, "Finding structure with randomness", 2011) on at most kFewestRows of them.
  void fit(const IndexRows& rows);
  bool fitted() const { return !basis_.empty(); }

  // Projects the rows that are not projected yet.
  void append(const IndexRows& rows, ThreadPool& pool);
  void erase(const std::vector<bool>& marked);

  std::span<const float> row(size_t i) const { return {values_.data() + i * kSize, kSize}; }
  // Of a row or a probe (`dimension` values) to its stand-in (kSize).
  void project(const IndexRows& rows, std::span<const float> from, std::span<float> to) const;

  size_t bytes() const { return (basis_.capacity() + values_.capacity()) * sizeof(float); }

  // The directions as bytes, and back; decoding throws Error(bad_data) beginning with `name`
  // where they are not of this dimension or have values that no direction has.
  std::string encode() const;
  static IndexGuide decode(std::string_view bytes, size_t dimension, const std::string& name);

 private:
  std::vector<float> basis_;   // kSize x dimension, orthonormal
  std::vector<float> values_;  // rows x kSize
};

}  // namespace doppel::internal
