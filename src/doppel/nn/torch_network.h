// The same network in LibTorch, for tests and benchmarks alone: our oracle and our peer.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/overloaded.h"
#include "doppel/nn/network.h"

namespace doppel::internal {

// The described layers, in training mode at first. Tensors have the names that ours have.
class TorchNetworkImpl : public torch::nn::Module {
 public:
  explicit TorchNetworkImpl(const Network& network) : network_(network) {
    const std::vector<Shape> shapes = layer_shapes(network);
    for (size_t i = 0; i < network.layers.size(); ++i) {
      add(std::to_string(i), i == 0 ? network.input : shapes[i - 1], network.layers[i]);
    }
  }

  torch::Tensor forward(torch::Tensor x) {
    std::vector<torch::Tensor> given;  // to each layer
    for (size_t i = 0; i < steps_.size(); ++i) {
      given.push_back(x);
      const auto* shortcut = std::get_if<Add>(&network_.layers[i]);
      x = shortcut != nullptr ? x + given[i - shortcut->back] : steps_[i](x);
    }
    return x;
  }

  // Its tensors in the order of our flat parameters; a normalisation's statistics are buffers.
  std::vector<torch::Tensor> tensors() {
    std::vector<torch::Tensor> result;
    for (const Tensor& tensor : parameter_tensors(network_)) {
      result.push_back(tensor.kind == TensorKind::statistic ? named_buffers()[tensor.name]
                                                            : named_parameters()[tensor.name]);
    }
    return result;
  }

 private:
  void add(const std::string& name, const Shape& in, const Layer& layer) {
    const auto n = [](size_t value) { return static_cast<int64_t>(value); };
    const auto keep = [&](auto module) {
      register_module(name, module);
      steps_.push_back([module](const torch::Tensor& x) mutable { return module->forward(x); });
    };
    const auto step = [&](auto function) { steps_.push_back(std::move(function)); };
    std::visit(Overloaded{
                   [&](const Conv& conv) {
                     keep(torch::nn::Conv2d(
                         torch::nn::Conv2dOptions(n(in.channels), n(conv.filters), n(conv.kernel))
                             .padding(n(conv.padding))
                             .stride(n(conv.stride))
                             .bias(conv.bias)));
                   },
                   [&](const BatchNorm&) {
                     torch::nn::BatchNorm2d norm(
                         torch::nn::BatchNorm2dOptions(n(in.channels)).eps(kNormEpsilon));
                     register_module(name, norm);
                     step([norm](const torch::Tensor& x) mutable {
                       return x.dim() == 4 ? norm->forward(x)
                                           : norm->forward(x.unsqueeze(2).unsqueeze(3)).flatten(1);
                     });
                   },
                   [&](const Relu&) { keep(torch::nn::ReLU()); },
                   [&](const Relu6&) { keep(torch::nn::ReLU6()); },
                   [&](const MaxPool& pool) { keep(torch::nn::MaxPool2d(n(pool.size))); },
                   [&](const GlobalAveragePool&) {
                     step([](const torch::Tensor& x) { return x.mean({2, 3}); });
                   },
                   [&](const Dropout& dropout) { keep(torch::nn::Dropout(dropout.rate)); },
                   [&](const Flatten&) { keep(torch::nn::Flatten()); },
                   [&](const Dense& dense) {
                     torch::nn::Linear linear(
                         torch::nn::LinearOptions(n(in.size()), n(dense.units)).bias(dense.bias));
                     register_module(name, linear);
                     step([linear](const torch::Tensor& x) mutable {
                       return linear->forward(x.flatten(1));
                     });
                   },
                   [&](const Add&) { steps_.emplace_back(); },  // forward() adds
                   [&](const L2Normalize&) {
                     step([](const torch::Tensor& x) {
                       return torch::nn::functional::normalize(x.flatten(1));
                     });
                   },
               },
               layer);
  }

  Network network_;
  std::vector<std::function<torch::Tensor(const torch::Tensor&)>> steps_;
};
TORCH_MODULE(TorchNetwork);

// Our flat parameters into LibTorch's tensors; layouts are the same.
inline void set_parameters(TorchNetwork& torch, std::span<const float> parameters) {
  const torch::NoGradGuard guard;
  size_t offset = 0;
  for (torch::Tensor& tensor : torch->tensors()) {
    const auto size = static_cast<size_t>(tensor.numel());
    TORCH_CHECK(offset + size <= parameters.size());
    std::copy_n(parameters.data() + offset, size, tensor.data_ptr<float>());
    offset += size;
  }
  TORCH_CHECK(offset == parameters.size());
}

// LibTorch's tensors as one flat array.
inline std::vector<float> flat(const std::vector<torch::Tensor>& tensors) {
  std::vector<float> values;
  for (const torch::Tensor& tensor : tensors) {
    const torch::Tensor whole = tensor.detach().contiguous();
    values.insert(values.end(), whole.data_ptr<float>(), whole.data_ptr<float>() + whole.numel());
  }
  return values;
}

// The gradients of the tensors as one flat array, 0 for what is not learned.
inline std::vector<float> flat_gradients(TorchNetwork& torch) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& tensor : torch->tensors()) {
    gradients.push_back(tensor.grad().defined() ? tensor.grad() : torch::zeros_like(tensor));
  }
  return flat(gradients);
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

}  // namespace doppel::internal
