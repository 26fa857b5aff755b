// A model as an ONNX network, for programs that do not know ours: preprocessed pictures in,
// embeddings out.
#pragma once

#include <string>

#include "doppel/model/model.h"
#include "doppel/onnx/graph.h"

namespace doppel::internal {

// All that Embedder does with an input, in standard operators: views, members, gradient histograms
// and their whitening, all lengths. Normalisations are folded into the weights before them.
// * Input "input", N x 1 x height x width: what preprocess() gives, i.e. grey values in [0, 1] of
//   the resized (where the model aligns: aligned) picture, every step-th row and column of it, and
//   where the model standardises, these with mean 0 and deviation 1. N is free.
// * Output "embedding", N x embedding_size(model).
// * Metadata: "description" (onnx_embedder.h, the text that load_model() wants beside the file),
//   "input" in words, "views", "gradients", "threshold", "data" (digest and sizes of the training
//   data), "version", "licence" (`licence` as it is; absent where empty).
// Throws as twins() does for a model that Doppel did not train.
OnnxGraph onnx_graph(const Model& model, const std::string& licence = "");

}  // namespace doppel::internal
