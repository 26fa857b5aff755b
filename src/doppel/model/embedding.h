// From images to embeddings, by a model.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/model/embedding_fault.h"
#include "doppel/model/model.h"

namespace doppel::internal {

// Embeddings of images, or what is wrong with them, one image as good as alone.
struct EachEmbedding {
  Matrix rows;                                     // images x Embedder::size()
  std::vector<std::optional<std::string>> faults;  // embedding_fault() of each row
};

// A model that is ready to embed: its weights are folded and prepared once. It holds all that it
// needs of the model and never changes, so that several threads may use it at the same time, each
// with a pool of its own.
class Embedder {
 public:
  explicit Embedder(const Model& model);
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  size_t size() const;  // of an embedding

  // The embedding of each image, preprocessed as in training: images x size(). It does not depend
  // on the other images. A member's embedding is the mean over the views, of length 1 again where
  // the network's last layer is an L2Normalize; m members' are side by side, then divided by the
  // root of m. The gradient term stands behind them, and the whole is brought to length 1 where its
  // parts have it. Somebody else's network gives what it gives, on threads of its own; images need
  // colours where it takes them. Throws Error(numeric) where an embedding is not finite.
  Matrix embed(std::span<const Image> images, ThreadPool& pool) const;
  // The same, where what is wrong with an embedding is said of it and of no other.
  EachEmbedding embed_each(std::span<const Image> images, ThreadPool& pool) const;

  class Kind;

 private:
  std::unique_ptr<const Kind> kind_;
  EmbeddingLength length_;
};

// Of a model that embeds once: Embedder::embed().
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);

// The model's gradient histograms as they are before whitening: the mean over the views, of length
// 1; what the whitening is fitted on. inputs x GradientHistograms::size().
Matrix gradient_histograms(const Model& model, const Matrix& inputs, ThreadPool& pool);

}  // namespace doppel::internal
