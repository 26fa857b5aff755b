// From images to embeddings, by a model.
#pragma once

#include <span>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/model/model.h"

namespace doppel {

// The embedding of each image, preprocessed as in training: images x embedding_size(model). A
// member's embedding is the mean over the views, of length 1 again where the network's last layer
// is an L2Normalize; m members' are side by side, then divided by the root of m. The gradient term
// stands behind them, and the whole is brought to length 1 where its parts have it. Somebody else's
// network gives what it gives, on threads of its own; images need colours where it takes them.
Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool);
// The same of inputs that are preprocessed.
Matrix embed_inputs(const Model& model, const Matrix& inputs, ThreadPool& pool);

// The model's gradient histograms as they are before whitening: the mean over the views, of length
// 1; what the whitening is fitted on. inputs x GradientHistograms::size().
Matrix gradient_histograms(const Model& model, const Matrix& inputs, ThreadPool& pool);

}  // namespace doppel
