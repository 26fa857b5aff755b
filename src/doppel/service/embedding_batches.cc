#include "doppel/service/embedding_batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "doppel/model/embedding.h"

namespace doppel {
namespace {

std::vector<Matrix> embed_together(const Model& model, std::vector<std::vector<Image>> requests,
                                   ThreadPool& pool) {
  std::vector<Image> images;
  std::vector<size_t> counts;
  for (std::vector<Image>& request : requests) {
    counts.push_back(request.size());
    std::ranges::move(request, std::back_inserter(images));
  }
  const Matrix all = embed_images(model, images, pool);
  std::vector<Matrix> parts;
  size_t next = 0;
  for (const size_t count : counts) {
    Matrix& part = parts.emplace_back(count, all.columns);
    for (size_t i = 0; i < count; ++i) {
      std::ranges::copy(all.row(next++), part.row(i).begin());
    }
  }
  return parts;
}

}  // namespace

EmbeddingBatches::EmbeddingBatches(const Model& model, int threads)
    : pool_(threads),
      batches_({[&model, this](std::vector<std::vector<Image>> requests) {
                  return embed_together(model, std::move(requests), pool_);
                },
                [](const std::vector<Image>& images) { return images.size(); }, kMostInBatch}) {}

}  // namespace doppel
