// Faces of many requests in, their embeddings out, by one engine for all, which takes images
// sixteen at a time.
#pragma once

#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/service/micro_batches.h"

namespace doppel::internal {

class EmbeddingBatches {
 public:
  // `threads` >= 1 work on a batch.
  EmbeddingBatches(const Model& model, int threads);

  // Embedder::embed_each() of these; waits for it. Several threads may call this at once. Throws
  // what that does.
  EachEmbedding embed(std::vector<Image> images) { return batches_.run(std::move(images)); }

  // Of images; one request may have more.
  static constexpr size_t kMostInBatch = 64;

 private:
  ThreadPool pool_;
  Embedder embedder_;
  MicroBatches<std::vector<Image>, EachEmbedding> batches_;
};

}  // namespace doppel::internal
