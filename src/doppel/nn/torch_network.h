// The same network in LibTorch, for tests and benchmarks alone: our oracle and our peer.
#pragma once

#include <torch/torch.h>

#include <span>
#include <vector>

#include "doppel/nn/network.h"

namespace doppel {

// A torch::nn::Sequential of the described layers, in training mode.
inline torch::nn::Sequential torch_network(const Network& network) {
  torch::nn::Sequential result;
  const std::vector<Shape> shapes = layer_shapes(network);
  const auto n = [](size_t value) { return static_cast<int64_t>(value); };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Shape in = i == 0 ? network.input : shapes[i - 1];
    const Layer& layer = network.layers[i];
    if (const auto* conv = std::get_if<Conv>(&layer)) {
      result->push_back(torch::nn::Conv2d(
          torch::nn::Conv2dOptions(n(in.channels), n(conv->filters), n(conv->kernel))
              .padding(conv->same ? n(conv->kernel / 2) : 0)));
    } else if (std::holds_alternative<Relu>(layer)) {
      result->push_back(torch::nn::ReLU());
    } else if (const auto* pool = std::get_if<MaxPool>(&layer)) {
      result->push_back(torch::nn::MaxPool2d(n(pool->size)));
    } else if (const auto* dropout = std::get_if<Dropout>(&layer)) {
      result->push_back(torch::nn::Dropout(dropout->rate));
    } else if (std::holds_alternative<Flatten>(layer)) {
      result->push_back(torch::nn::Flatten());
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      result->push_back(torch::nn::Linear(n(in.size()), n(dense->units)));
    }
  }
  return result;
}

// Our flat parameters into LibTorch's tensors: names, order and layout are the same.
inline void set_parameters(torch::nn::Sequential& torch, std::span<const float> parameters) {
  const torch::NoGradGuard guard;
  size_t offset = 0;
  for (torch::Tensor& tensor : torch->parameters()) {
    const auto size = static_cast<size_t>(tensor.numel());
    TORCH_CHECK(offset + size <= parameters.size());
    std::copy_n(parameters.data() + offset, size, tensor.data_ptr<float>());
    offset += size;
  }
  TORCH_CHECK(offset == parameters.size());
}

// LibTorch's tensors (or their gradients) as one flat array.
inline std::vector<float> flat(const std::vector<torch::Tensor>& tensors) {
  std::vector<float> values;
  for (const torch::Tensor& tensor : tensors) {
    const torch::Tensor whole = tensor.contiguous();
    values.insert(values.end(), whole.data_ptr<float>(), whole.data_ptr<float>() + whole.numel());
  }
  return values;
}

// The tutorial's energy and loss over [2n, d] embeddings: pairs are the rows i and n + i.
inline torch::Tensor torch_contrastive(const torch::Tensor& embeddings,
                                       const torch::Tensor& genuine, double margin) {
  const int64_t n = genuine.size(0);
  const torch::Tensor difference = embeddings.slice(0, 0, n) - embeddings.slice(0, n, 2 * n);
  const torch::Tensor distance = difference.square().sum(1).clamp_min(1e-12).sqrt();
  return (genuine * distance.square() + (1 - genuine) * (margin - distance).clamp_min(0).square())
      .mean();
}

}  // namespace doppel
