#include "doppel/service/embedding_batches.h"

#include <span>
#include <utility>

namespace doppel::internal {
namespace {

std::vector<EachEmbedding> embed_together(const Embedder& embedder,
                                          std::span<const std::vector<Image>> requests,
                                          ThreadPool& pool) {
  std::vector<Image> images;
  for (const std::vector<Image>& request : requests) {
    images.insert(images.end(), request.begin(), request.end());
  }
  EachEmbedding all = embedder.embed_each(images, pool);
  std::vector<EachEmbedding> parts;
  size_t next = 0;
  for (const std::vector<Image>& request : requests) {
    EachEmbedding& part = parts.emplace_back();
    part.rows.columns = all.rows.columns;
    for (size_t i = 0; i < request.size(); ++i, ++next) {
      part.rows.append(all.rows.row(next));
      part.faults.push_back(std::move(all.faults[next]));
    }
  }
  return parts;
}

}  // namespace

EmbeddingBatches::EmbeddingBatches(const Model& model, int threads)
    : pool_(threads),
      embedder_(model),
      batches_({[this](std::span<const std::vector<Image>> requests) {
                  return embed_together(embedder_, requests, pool_);
                },
                [](const std::vector<Image>& images) { return images.size(); }, kMostInBatch}) {}

}  // namespace doppel::internal
