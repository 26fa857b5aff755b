#include "doppel/model/embedding.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "doppel/error.h"

namespace doppel::internal {

Embedder::Embedder(const Model& model)
    : ready_(model.embedder->ready(model.preprocessing)),
      size_(model.embedder->size()),
      length_(model.embedder->length()) {}

Matrix Embedder::embed(std::span<const Image> images, ThreadPool& pool) const {
  if (images.empty()) return Matrix(0, size());
  Matrix rows = ready_->embed(images, pool);
  const auto finite = [](float value) { return std::isfinite(value); };
  for (size_t i = 0; i < rows.rows; ++i) {
    if (std::ranges::all_of(rows.row(i), finite)) continue;
    throw Error(ErrorKind::numeric, "image " + std::to_string(i + 1) + " of " +
                                        std::to_string(rows.rows) +
                                        ": the model's embedding of it is not finite");
  }
  return rows;
}

EachEmbedding Embedder::embed_each(std::span<const Image> images, ThreadPool& pool) const {
  if (images.empty()) return {Matrix(0, size()), {}};
  EachEmbedding result{ready_->embed(images, pool), {}};
  for (size_t i = 0; i < result.rows.rows; ++i) {
    result.faults.push_back(embedding_fault(result.rows.row(i), length_));
  }
  return result;
}

Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  return Embedder(model).embed(images, pool);
}

}  // namespace doppel::internal
