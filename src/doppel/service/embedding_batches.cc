#include "doppel/service/embedding_batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "doppel/base/thread_pool.h"
#include "doppel/model/embedding.h"

namespace doppel {

EmbeddingBatches::EmbeddingBatches(const Model& model, int threads)
    : model_(model), thread_([this, threads] { work(threads); }) {}

EmbeddingBatches::~EmbeddingBatches() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Matrix EmbeddingBatches::embed(std::vector<Image> images) {
  Waiting request{std::move(images), {}};
  std::future<Matrix> embeddings = request.embeddings.get_future();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  changed_.notify_one();
  return embeddings.get();
}

void EmbeddingBatches::work(int threads) {
  ThreadPool pool(threads);
  for (;;) {
    std::vector<Waiting> batch;
    std::vector<Image> images;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      do {
        batch.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        std::ranges::move(batch.back().images, std::back_inserter(images));
      } while (!waiting_.empty() && images.size() + waiting_.front().images.size() <= kMostInBatch);
    }
    try {
      const Matrix all = embed_images(model_, images, pool);
      size_t next = 0;
      for (Waiting& request : batch) {
        Matrix part(request.images.size(), all.columns);
        for (size_t i = 0; i < request.images.size(); ++i) {
          std::ranges::copy(all.row(next++), part.row(i).begin());
        }
        request.embeddings.set_value(std::move(part));
      }
    } catch (...) {
      for (Waiting& request : batch) request.embeddings.set_exception(std::current_exception());
    }
  }
}

}  // namespace doppel
