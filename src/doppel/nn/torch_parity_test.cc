// Every layer and whole networks against LibTorch: forward in training and in inference, input
// gradient, weight gradient, running statistics, on every instruction set of this CPU.
#include <gtest/gtest.h>

#include "doppel/base/random.h"
#include "doppel/loss/contrastive.h"
#include "doppel/nn/engine.h"
#include "doppel/nn/simd.h"
#include "doppel/nn/torch_network.h"

namespace doppel::internal {
namespace {

const std::vector<std::pair<std::string, Network>>& networks() {
  static const std::vector<std::pair<std::string, Network>> all = {
      {"conv", {{3, 9, 11}, {Conv{5, 3}}}},
      {"conv_5x5", {{2, 9, 8}, {Conv{4, 5}}}},
      {"conv_same", {{2, 7, 6}, {Conv{6, 3, 1}}}},
      {"relu", {{2, 3, 3}, {Relu{}}}},
      {"relu6", {{400, 1, 1}, {Dense{33}, Relu6{}}}},
      {"max_pool", {{3, 7, 8}, {MaxPool{2}}}},
      {"max_pool_3", {{3, 7, 9}, {MaxPool{3}}}},
      {"flatten_dense", {{2, 5, 5}, {Flatten{}, Dense{9}}}},
      {"dense_relu", {{40, 1, 1}, {Flatten{}, Dense{33}, Relu{}, Dense{7}, Relu{}}}},
      {"conv_relu_pool", {{2, 11, 10}, {Conv{7, 3}, Relu{}, MaxPool{2}}}},
      {"conv_relu_pool_same", {{2, 11, 10}, {Conv{7, 3, 1}, Relu{}, MaxPool{2}}}},
      {"two_convs",
       {{1, 12, 12}, {Conv{4, 3}, Relu{}, Conv{5, 3}, MaxPool{2}, Flatten{}, Dense{6}}}},
      {"conv_stride", {{3, 9, 8}, {Conv{5, 3, 1, 2}}}},
      {"conv_stride_no_bias", {{2, 10, 11}, {Conv{4, 5, 2, 3, false}}}},
      {"conv_stride_7x7", {{3, 17, 14}, {Conv{6, 7, 3, 2}}}},
      {"conv_stride_above_kernel", {{2, 10, 9}, {Conv{5, 2, 0, 4}}}},
      {"conv_stride_twice", {{2, 12, 13}, {Conv{4, 5, 2, 2}, Relu{}, Conv{6, 3, 1, 2}}}},
      {"global_average_pool", {{5, 6, 7}, {GlobalAveragePool{}}}},
      {"l2_normalize", {{12, 1, 1}, {L2Normalize{}}}},
      {"batch_norm", {{3, 6, 5}, {BatchNorm{}}}},
      {"conv_batch_norm_relu", {{2, 8, 7}, {Conv{5, 3, 1, 1, false}, BatchNorm{}, Relu{}}}},
      {"dense_batch_norm", {{20, 1, 1}, {Dense{9, false}, BatchNorm{}}}},
      {"add", {{3, 6, 5}, {Conv{3, 3, 1}, Add{1}}}},
      {"residual",
       {{1, 14, 12},
        {Conv{16, 3, 1, 1, false}, BatchNorm{}, Relu{}, MaxPool{2}, Conv{16, 3, 1, 1, false},
         BatchNorm{}, Relu{}, Conv{16, 3, 1, 1, false}, BatchNorm{}, Add{5}, Relu{}, Flatten{},
         Dense{9, false}, BatchNorm{}, L2Normalize{}}}},
      {"residual_average",
       {{2, 9, 9},
        {Conv{6, 3, 1, 2, false}, BatchNorm{}, Relu{}, Conv{6, 3, 1}, Add{1}, GlobalAveragePool{},
         Dense{5}}}},
      {"tutorial",
       {{1, 56, 46},
        {Conv{6, 3}, Relu{}, MaxPool{2}, Conv{12, 3}, Relu{}, MaxPool{2}, Flatten{}, Dense{128},
         Relu{}, Dense{50}, Relu{}}}},
  };
  return all;
}

// Largest difference, as a part of the largest value: sums in float of another order differ by a
// few units of the last place of what was summed.
void expect_close(std::span<const float> ours, const std::vector<float>& theirs, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  double largest = 1e-3, difference = 0;
  for (size_t i = 0; i < theirs.size(); ++i) {
    largest = std::max(largest, std::abs(double{theirs[i]}));
    difference = std::max(difference, std::abs(double{ours[i]} - double{theirs[i]}));
  }
  EXPECT_LT(difference / largest, tolerance) << what;
}

TEST(TorchParity, ForwardInputGradientAndWeightGradient) {
  torch::set_num_threads(1);
  ThreadPool pool(2);
  for (const std::string& simd : simd_names()) {
    use_simd(simd);
    for (const auto& [name, network] : networks()) {
      const std::string where = std::string(simd).append(" ").append(name);
      const size_t count = 22, size = network.input.size();
      Random random(1, Purpose::sample);
      std::vector<float> parameters(parameter_count(network)), pixels(count * size);
      for (float& p : parameters) p = static_cast<float>(random.uniform(-0.3, 0.3));
      bool normalises = false;
      for (const Tensor& tensor : parameter_tensors(network)) {
        if (!tensor.name.ends_with(".running_var")) continue;
        normalises = true;
        for (size_t i = 0; i < tensor.size; ++i) parameters[tensor.offset + i] += 1;
      }
      for (float& p : pixels) p = static_cast<float>(random.uniform(0, 1));
      std::vector<const float*> images;
      for (size_t i = 0; i < count; ++i) images.push_back(pixels.data() + i * size);
      std::vector<uint8_t> genuine(count / 2);
      for (size_t i = 0; i < genuine.size(); ++i) genuine[i] = i % 2;

      Engine engine(network, pool);
      const Matrix embeddings = engine.forward(parameters, images, nullptr);
      const double margin = 3;
      const PairLoss loss = contrastive_loss(embeddings, genuine, margin);
      std::vector<float> gradient(parameters.size());
      Matrix image_gradient;
      engine.backward(parameters, loss.gradient, gradient, &image_gradient);

      TorchNetwork torch(network);
      set_parameters(torch, parameters);
      const auto n = [](size_t value) { return static_cast<int64_t>(value); };
      torch::Tensor input =
          torch::from_blob(pixels.data(), {n(count), n(network.input.channels),
                                           n(network.input.height), n(network.input.width)})
              .clone()
              .requires_grad_();
      torch::Tensor output = torch->forward(input).flatten(1);
      std::vector<float> label(genuine.begin(), genuine.end());
      const torch::Tensor torch_loss =
          torch_contrastive(output, torch::from_blob(label.data(), {n(label.size())}), margin);
      torch_loss.backward();

      // A normalisation divides by a deviation, which brings rounding errors up.
      const double more = normalises ? 10 : 1;
      expect_close(embeddings.values, flat({output}), more * 2e-6, where + " forward");
      EXPECT_NEAR(loss.loss, torch_loss.item<double>(), more * 2e-6 * (1 + loss.loss)) << where;
      expect_close(image_gradient.values, flat({input.grad()}), more * 2e-5,
                   where + " input gradient");
      expect_close(gradient, flat_gradients(torch), more * 2e-5, where + " weight gradient");

      engine.update_statistics(parameters, 0.1);  // LibTorch's forward() did so
      expect_close(parameters, flat(torch->tensors()), 2e-6, where + " running statistics");
      torch->eval();
      expect_close(engine.embed(parameters, images).values,
                   flat({torch->forward(input).flatten(1)}), more * 2e-6, where + " inference");
    }
  }
  use_simd(simd_names().front());
}

}  // namespace
}  // namespace doppel::internal
