// From images to embeddings, by a model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/model/model.h"

namespace doppel::internal {

// The embedding of each image, preprocessed as in training: images x embedding_size(model). A
// member's embedding is the mean over the views, of length 1 again where the network's last layer
// is an L2Normalize; m members' are side by side, then divided by the root of m. The gradient term
// stands behind them, and the whole is brought to length 1 where its parts have it. Somebody else's
// network gives what it gives, on threads of its own; images need colours where it takes them.
// Throws Error(numeric) where an embedding is not finite.
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);
// The same, one image as good as alone: what is wrong with its embedding (embedding_fault()) is
// said of it and of no other.
struct EachEmbedding {
  Matrix rows;                                     // images x embedding_size(model)
  std::vector<std::optional<std::string>> faults;  // of each row
};
EachEmbedding embed_each(const Model& model, std::span<const Image> images, ThreadPool& pool);
// embed_images() of inputs that are preprocessed, unchecked.
Matrix embed_inputs(const Model& model, const Matrix& inputs, ThreadPool& pool);

// The model's gradient histograms as they are before whitening: the mean over the views, of length
// 1; what the whitening is fitted on. inputs x GradientHistograms::size().
Matrix gradient_histograms(const Model& model, const Matrix& inputs, ThreadPool& pool);

}  // namespace doppel::internal
