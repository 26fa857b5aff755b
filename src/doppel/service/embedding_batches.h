// Faces of many requests in, their embeddings out, by one engine for all.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/image/image.h"
#include "doppel/model/model.h"

namespace doppel {

// The engine takes images sixteen at a time, so what arrives while it works is its next batch.
// Nobody waits for others who may not come.
class EmbeddingBatches {
 public:
  // `threads` >= 1 work on a batch. The model must outlive this.
  EmbeddingBatches(const Model& model, int threads);
  ~EmbeddingBatches();
  EmbeddingBatches(const EmbeddingBatches&) = delete;
  EmbeddingBatches& operator=(const EmbeddingBatches&) = delete;

  // embed_images() of these, images x embedding_size(model); waits for it. Several threads may call
  // this at once. Throws what that does.
  Matrix embed(std::vector<Image> images);

  // Of images; one request may have more.
  static constexpr size_t kMostInBatch = 64;

 private:
  struct Waiting {
    std::vector<Image> images;
    std::promise<Matrix> embeddings;
  };
  void work(int threads);

  const Model& model_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace doppel
