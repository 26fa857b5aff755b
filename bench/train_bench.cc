// How fast is the tutorial's training, beside LibTorch and beside what the machine can do at most?
// In one run, after checking that both compute the same: this machine's multiply-add peak, seconds
// per epoch and images embedded per second of both, alternating, medians over the rounds.
#include <ATen/Parallel.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bench/comparison.h"
#include "bench/fma_peak.h"
#include "doppel/base/random.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/loss/contrastive.h"
#include "doppel/model/embedding.h"
#include "doppel/nn/engine.h"
#include "doppel/nn/simd.h"
#include "doppel/nn/torch_network.h"
#include "doppel/train/train_model.h"

namespace doppel::internal {
namespace {

// Multiply-adds of one image, counted from the description: every layer forward
// once, backward once by the weights, and once by the input except in the first layer.
double training_gflop(const Network& network, size_t images) {
  const std::vector<Shape> shapes = layer_shapes(network);
  double sum = 0;
  bool first = true;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Shape in = i == 0 ? network.input : shapes[i - 1];
    double terms = 0;
    if (const auto* conv = std::get_if<Conv>(&network.layers[i])) {
      // Values that the pooling behind it drops at the edge are not counted: nobody needs them.
      Shape out = shapes[i];
      if (i + 2 < shapes.size() && std::holds_alternative<MaxPool>(network.layers[i + 2])) {
        const size_t pool = std::get<MaxPool>(network.layers[i + 2]).size;
        out.height = out.height / pool * pool;
        out.width = out.width / pool * pool;
      }
      terms = static_cast<double>(out.size() * in.channels * conv->kernel * conv->kernel);
    } else if (std::holds_alternative<Dense>(network.layers[i])) {
      terms = static_cast<double>(shapes[i].size() * in.size());
    }
    if (terms == 0) continue;
    sum += terms * (first ? 2 : 3);
    first = false;
  }
  return sum * 2 * static_cast<double>(images) / 1e9;
}

class Bench {
 public:
  Bench(int threads, size_t embed_images)
      : pool_(threads),
        recipe_(find_recipe("tutorial")),
        network_{{1, 56, 46}, recipe_.layers},
        parameters_(initial_parameters(network_, recipe_.initialisation, 1)),
        torch_(network_) {
    at::set_num_threads(threads);
    const Dataset people = synthetic_dataset(40, 10, 1);
    inputs_ = preprocess(people.images, {});
    pairs_ = split_pairs(draw_pairs(people, recipe_.pairs->per_kind, 1).pairs, 1).train;
    set_parameters(torch_, parameters_);
    for (size_t i = 0; i < embed_images; ++i) {
      rows_.push_back(inputs_.row(i % inputs_.rows).data());
    }
    embed_input_ = torch::empty({static_cast<int64_t>(embed_images), 1, 56, 46});
    for (size_t i = 0; i < embed_images; ++i) copy_image(rows_[i], embed_input_, i);
  }

  size_t images_per_epoch() const { return 2 * pairs_.size(); }
  double gflop_per_epoch() const { return training_gflop(network_, images_per_epoch()); }

  // Embeddings, loss and weight gradient of one batch without dropout, and embeddings in bulk, must
  // agree, else no figure would mean anything. Throws Error(numeric).
  void verify() {
    Network plain = network_;
    std::erase_if(plain.layers, [](const Layer& l) { return std::holds_alternative<Dropout>(l); });
    TorchNetwork torch(plain);
    set_parameters(torch, parameters_);
    Engine engine(plain, pool_);
    std::vector<const float*> images(2 * recipe_.batch.size);
    std::vector<uint8_t> genuine(recipe_.batch.size);
    auto [batch, label] = torch_batch(0, [&](size_t i, size_t slot) {
      images[slot] = inputs_.row(pairs_[i].a).data();
      images[recipe_.batch.size + slot] = inputs_.row(pairs_[i].b).data();
      genuine[slot] = pairs_[i].genuine;
    });
    const PairLoss loss =
        contrastive_loss(engine.forward(parameters_, images, nullptr), genuine, 1);
    std::vector<float> gradient(parameters_.size());
    engine.backward(parameters_, loss.gradient, gradient);
    const torch::Tensor torch_loss = torch_contrastive(torch->forward(batch), label, 1);
    torch_loss.backward();
    check_equal("loss", {static_cast<float>(loss.loss)}, {torch_loss.item<float>()}, 1e-5);
    check_equal("weight gradient", gradient, flat_gradients(torch), 1e-4);
    Engine whole(network_, pool_);
    check_equal("embeddings", whole.embed(parameters_, rows_).values, flat({embed_torch()}), 1e-5);
  }

  double train_doppel() {
    double seconds = 0;
    TrainingHooks hooks;
    hooks.epoch = [&](const EpochReport& report) { seconds = report.seconds; };
    Recipe recipe = recipe_;
    recipe.epochs = 1;
    const TrainingTask task{recipe,
                            network_,
                            40,
                            [&](uint64_t seed) {
                              return std::make_unique<PairBatches>(inputs_, pairs_,
                                                                   recipe.batch.size, seed);
                            },
                            {}};
    train(task, ++round_, pool_, hooks);
    return seconds;
  }

  double train_torch() {
    torch_->train();
    torch::optim::RMSprop optimizer(torch_->parameters(),
                                    torch::optim::RMSpropOptions(0.001).alpha(0.9).eps(1e-7));
    const Clock::time_point start = Clock::now();
    for (size_t first = 0; first < pairs_.size(); first += recipe_.batch.size) {
      const auto [batch, label] = torch_batch(first, [](size_t, size_t) {});
      optimizer.zero_grad();
      torch_contrastive(torch_->forward(batch), label, 1).backward();
      optimizer.step();
    }
    const double seconds = seconds_since(start);
    set_parameters(torch_, parameters_);
    return seconds;
  }

  double embed_doppel_images_per_s() {
    Engine engine(network_, pool_);
    engine.embed(parameters_, rows_);
    const Clock::time_point start = Clock::now();
    engine.embed(parameters_, rows_);
    return static_cast<double>(rows_.size()) / seconds_since(start);
  }

  double embed_torch_images_per_s() {
    embed_torch();
    const Clock::time_point start = Clock::now();
    embed_torch();
    return static_cast<double>(rows_.size()) / seconds_since(start);
  }

 private:
  void copy_image(const float* image, torch::Tensor& batch, size_t slot) const {
    std::copy_n(image, inputs_.columns, batch.data_ptr<float>() + slot * inputs_.columns);
  }

  // Both images of a batch's pairs in one tensor: faster for LibTorch than two calls.
  std::pair<torch::Tensor, torch::Tensor> torch_batch(size_t first, const auto& each) {
    const size_t n = std::min(recipe_.batch.size, pairs_.size() - first);
    torch::Tensor batch = torch::empty({static_cast<int64_t>(2 * n), 1, 56, 46});
    torch::Tensor label = torch::empty({static_cast<int64_t>(n)});
    for (size_t i = 0; i < n; ++i) {
      const Pair& pair = pairs_[first + i];
      copy_image(inputs_.row(pair.a).data(), batch, i);
      copy_image(inputs_.row(pair.b).data(), batch, n + i);
      label.data_ptr<float>()[i] = pair.genuine;
      each(first + i, i);
    }
    return {batch, label};
  }

  torch::Tensor embed_torch() {
    const torch::NoGradGuard guard;
    torch_->eval();
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : embed_input_.split(256))
      parts.push_back(torch_->forward(part));
    return torch::cat(parts);
  }

  ThreadPool pool_;
  Recipe recipe_;
  Network network_;
  std::vector<float> parameters_;
  TorchNetwork torch_;
  Matrix inputs_;
  std::vector<Pair> pairs_;
  std::vector<const float*> rows_;
  torch::Tensor embed_input_;
  uint64_t round_ = 0;
};

struct Options {
  int threads = std::min(2, ThreadPool::available_threads());
  int rounds = 5;
  bool as_json = false;
};

void run(const Options& options) {
  // LibTorch takes and gives back its large tensors in every operation; without this the kernel
  // would map and clear their pages each time, and LibTorch look slower than it is.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  Bench bench(options.threads, 8192);
  bench.verify();
  std::vector<double> peak, train_doppel, train_torch, embed_doppel, embed_torch;
  bench.train_doppel();  // memory is taken once
  for (int round = 0; round < options.rounds; ++round) {
    pause();
    peak.push_back(fma_peak_gflops(options.threads, 0.2));
    train_doppel.push_back(bench.train_doppel());
    embed_doppel.push_back(bench.embed_doppel_images_per_s());
    train_torch.push_back(bench.train_torch());
    embed_torch.push_back(bench.embed_torch_images_per_s());
    if (!options.as_json) {
      std::printf(
          "round %d: peak %.0f GFLOP/s; epoch %.3f s, LibTorch %.2f s; images/s %.0f, "
          "LibTorch %.0f\n",
          round + 1, peak.back(), train_doppel.back(), train_torch.back(), embed_doppel.back(),
          embed_torch.back());
      std::fflush(stdout);
    }
  }
  const double gflop = bench.gflop_per_epoch();
  const double fraction = gflop / median(train_doppel) / median(peak);
  const double train_ratio = median(train_torch) / median(train_doppel);
  const double embed_ratio = median(embed_doppel) / median(embed_torch);
  if (options.as_json) {
    const nlohmann::json document = {{"threads", options.threads},
                                     {"simd", simd_name()},
                                     {"rounds", options.rounds},
                                     {"fma_peak_gflops", median(peak)},
                                     {"train",
                                      {{"gflop_per_epoch", gflop},
                                       {"doppel_s_per_epoch", median(train_doppel)},
                                       {"libtorch_s_per_epoch", median(train_torch)},
                                       {"ratio", train_ratio},
                                       {"fraction_of_peak", fraction}}},
                                     {"embed",
                                      {{"doppel_images_per_s", median(embed_doppel)},
                                       {"libtorch_images_per_s", median(embed_torch)},
                                       {"ratio", embed_ratio}}}};
    std::printf("%s\n", document.dump(2).c_str());
    return;
  }
  std::printf("\n%d threads, %s, medians of %d rounds; multiply-add peak %.0f GFLOP/s\n",
              options.threads, simd_name().c_str(), options.rounds, median(peak));
  std::printf("%-34s %12s %12s %8s\n", "", "Doppel", "LibTorch", "ratio");
  std::printf("%-34s %10.3f s %10.2f s %8.1f\n", "training, seconds per epoch",
              median(train_doppel), median(train_torch), train_ratio);
  std::printf("%-34s %12.0f %12.0f %8.1f\n", "embedding, images per second", median(embed_doppel),
              median(embed_torch), embed_ratio);
  std::printf("%-34s %10.0f %%\n", "training, share of the peak", 100 * fraction);
  std::printf("An epoch is %zu images forward and backward, %.1f GFLOP as written.\n",
              bench.images_per_epoch(), gflop);
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{"Times the tutorial's training and embedding beside LibTorch's"};
  program.add_option("--threads", options.threads, "Threads of both")->check(CLI::Range(1, 256));
  program.add_option("--rounds", options.rounds, "Alternating rounds")->check(CLI::Range(1, 1000));
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
