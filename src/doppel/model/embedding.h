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

  size_t size() const { return size_; }  // of an embedding

  // The embedding of each image, preprocessed as in training: images x size(). It does not depend
  // on the other images; what it is made of is said where its kind is. Throws Error(numeric) where
  // an embedding is not finite.
  Matrix embed(std::span<const Image> images, ThreadPool& pool) const;
  // The same, where what is wrong with an embedding is said of it and of no other.
  EachEmbedding embed_each(std::span<const Image> images, ThreadPool& pool) const;

 private:
  std::unique_ptr<const ReadyEmbedder> ready_;
  size_t size_;
  EmbeddingLength length_;
};

// Of a model that embeds once: Embedder::embed().
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);

}  // namespace doppel::internal
