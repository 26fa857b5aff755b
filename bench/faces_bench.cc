// How fast is a network with many channels, the default recipe's, beside LibTorch? In one run,
// after checking that both compute the same: a whole training step (forward, loss, backward,
// optimiser) and embeddings in bulk, alternating, medians over the rounds.
#include <ATen/Parallel.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/machine.h"
#include "doppel/base/random.h"
#include "doppel/model/embedding.h"
#include "doppel/nn/engine.h"
#include "doppel/nn/torch_network.h"
#include "doppel/optim/optimizer.h"
#include "doppel/train/objective.h"
#include "doppel/train/recipe.h"

namespace doppel::internal {
namespace {

constexpr size_t kIdentities = 30;
constexpr int kStepsInRound = 10;
constexpr size_t kEmbedImages = 1024;
constexpr size_t kVerifyBatches = 8, kVerifyImages = 4;

class Bench {
 public:
  Bench(int threads, const std::string& recipe)
      : pool_(threads),
        recipe_(find_recipe(recipe)),
        network_{{1, static_cast<size_t>(recipe_.height.value_or(56)),
                  static_cast<size_t>(recipe_.width.value_or(46))},
                 recipe_.layers},
        engine_(network_, pool_),
        loss_(make_objective(recipe_.loss, false, embedding_size(network_), kIdentities)),
        parameters_(initial_parameters(network_, recipe_.initialisation, 1)),
        loss_parameters_(loss_->initial_parameters(1)),
        torch_(network_),
        torch_classes_(torch::from_blob(loss_parameters_.data(), {n(kIdentities), size()})
                           .clone()
                           .requires_grad_()) {
    at::set_num_threads(threads);
    set_parameters(torch_, parameters_);
    Random random(1, Purpose::sample);
    pixels_.resize(kEmbedImages * network_.input.size());
    for (float& pixel : pixels_) pixel = static_cast<float>(random.normal());
    for (size_t i = 0; i < kEmbedImages; ++i) {
      rows_.push_back(pixels_.data() + i * network_.input.size());
    }
    for (size_t i = 0; i < recipe_.batch.size; ++i) {
      identity_.push_back(random.below(kIdentities));
    }
    const std::vector<int64_t> labels(identity_.begin(), identity_.end());
    torch_labels_ = torch::tensor(labels);
  }

  const Recipe& recipe() const { return recipe_; }

  // A value next to 0 may fall on either side of a ReLU, in float as in double; the gradient then
  // differs honestly. With few images that is rare: one of some batches must agree.
  void verify() {
    for (size_t first = 0; first < kVerifyBatches; ++first) {
      try {
        verify(std::span<const float* const>(rows_).subspan(first * kVerifyImages, kVerifyImages));
        return;
      } catch (const Error&) {
        if (first + 1 == kVerifyBatches) throw;
      }
    }
  }

  double step_doppel() {
    std::vector<float> all = parameters_;
    all.insert(all.end(), loss_parameters_.begin(), loss_parameters_.end());
    Optimizer optimizer(all.size(), recipe_.optimizer);
    std::vector<float> gradient(all.size());
    const std::span<float> network = std::span<float>(all).first(parameters_.size());
    const Clock::time_point start = Clock::now();
    for (int k = 0; k < kStepsInRound; ++k) {
      const DropoutSeed dropout{1, static_cast<uint32_t>(k)};
      const Matrix embeddings = engine_.forward(network, batch(), &dropout);
      const LossResult loss = loss_->evaluate(
          embeddings, identity_, std::span<const float>(all).subspan(network.size()), pool_);
      engine_.backward(network, loss.gradient, std::span<float>(gradient).first(network.size()));
      std::ranges::copy(loss.parameter_gradient,
                        gradient.begin() + static_cast<ptrdiff_t>(network.size()));
      engine_.update_statistics(network, 0.1);
      optimizer.step(all, gradient, 1, pool_);
    }
    return seconds_since(start) / kStepsInRound;
  }

  double step_torch() {
    torch_->train();
    std::vector<torch::Tensor> learned = torch_->parameters();
    learned.push_back(torch_classes_);
    torch::optim::AdamW optimizer(learned, torch::optim::AdamWOptions(recipe_.optimizer.rate)
                                               .weight_decay(recipe_.optimizer.weight_decay));
    const torch::Tensor images = torch_images(rows_.front(), batch().size());
    const Clock::time_point start = Clock::now();
    for (int k = 0; k < kStepsInRound; ++k) {
      optimizer.zero_grad();
      loss_of(torch_->forward(images), torch_labels_).backward();
      optimizer.step();
    }
    return seconds_since(start) / kStepsInRound;
  }

  // As embed_images() does it: normalisations folded into the convolutions.
  Matrix embed_doppel() {
    const FoldedNetwork folded = fold_batch_norm(network_, parameters_);
    return Engine(folded.network, pool_).embed(folded.parameters, rows_);
  }

  double embed_doppel_images_per_s() {
    const Clock::time_point start = Clock::now();
    embed_doppel();
    return static_cast<double>(kEmbedImages) / seconds_since(start);
  }

  double embed_torch_images_per_s() {
    const torch::NoGradGuard guard;
    torch_->eval();
    const torch::Tensor images = torch_images(rows_.front(), kEmbedImages);
    const Clock::time_point start = Clock::now();
    for (const torch::Tensor& part : images.split(256)) torch_->forward(part);
    return static_cast<double>(kEmbedImages) / seconds_since(start);
  }

 private:
  // Loss, weight gradient and embeddings, without dropout.
  void verify(std::span<const float* const> images) {
    Network plain = network_;
    for (Layer& layer : plain.layers) {
      if (std::holds_alternative<Dropout>(layer)) layer = Dropout{0};
    }
    TorchNetwork torch(plain);
    set_parameters(torch, parameters_);
    const std::span<const uint32_t> identity =
        std::span<const uint32_t>(identity_).first(images.size());
    const torch::Tensor labels = torch_labels_.slice(0, 0, n(images.size()));
    std::vector<float> gradient(parameters_.size());
    const LossResult loss = loss_->evaluate(engine_.forward(parameters_, images, nullptr), identity,
                                            loss_parameters_, pool_);
    engine_.backward(parameters_, loss.gradient, gradient);
    const torch::Tensor torch_loss =
        loss_of(torch->forward(torch_images(images.front(), images.size())), labels);
    torch_loss.backward();
    torch_classes_.mutable_grad() = torch::Tensor();
    check_equal("loss", {static_cast<float>(loss.loss)}, {torch_loss.item<float>()}, 1e-5);
    check_equal("weight gradient", gradient, flat_gradients(torch), 1e-4);
    set_parameters(torch, parameters_);  // the statistics, too
    torch->eval();
    const torch::NoGradGuard guard;
    check_equal("embeddings", embed_doppel().values,
                flat({torch->forward(torch_images(rows_.front(), kEmbedImages))}), 1e-5);
  }

  static int64_t n(size_t value) { return static_cast<int64_t>(value); }
  int64_t size() const { return n(embedding_size(network_)); }
  std::span<const float* const> batch() const {
    return std::span<const float* const>(rows_).first(recipe_.batch.size);
  }
  torch::Tensor torch_images(const float* first, size_t count) const {
    return torch::from_blob(const_cast<float*>(first),
                            {n(count), 1, n(network_.input.height), n(network_.input.width)})
        .clone();
  }
  // Cosine-margin softmax, as loss/margin_softmax.h has it.
  torch::Tensor loss_of(const torch::Tensor& embeddings, const torch::Tensor& labels) const {
    namespace F = torch::nn::functional;
    const torch::Tensor cosine = F::normalize(embeddings).matmul(F::normalize(torch_classes_).t());
    const torch::Tensor own = torch::one_hot(labels, n(kIdentities)).to(torch::kFloat);
    const double margin = recipe_.loss.at("margin").get<double>();
    const double scale = recipe_.loss.at("scale").get<double>();
    return F::cross_entropy((cosine - margin * own) * scale, labels);
  }

  ThreadPool pool_;
  Recipe recipe_;
  Network network_;
  Engine engine_;
  std::unique_ptr<BatchLoss> loss_;
  std::vector<float> parameters_, loss_parameters_;
  TorchNetwork torch_;
  torch::Tensor torch_classes_;
  std::vector<float> pixels_;
  std::vector<const float*> rows_;
  std::vector<uint32_t> identity_;
  torch::Tensor torch_labels_;
};

struct Options {
  std::string recipe = "faces";
  int threads = std::min(2, ThreadPool::available_threads());
  int rounds = 7;
  bool as_json = false;
};

void run(const Options& options) {
  // As in train_bench: LibTorch's large tensors must not go back to the kernel every time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  Bench bench(options.threads, options.recipe);
  bench.verify();
  std::vector<double> step_doppel, step_torch, embed_doppel, embed_torch;
  bench.step_doppel();  // memory is taken once, of both
  bench.step_torch();
  for (int round = 0; round < options.rounds; ++round) {
    pause();
    step_doppel.push_back(bench.step_doppel());
    embed_doppel.push_back(bench.embed_doppel_images_per_s());
    step_torch.push_back(bench.step_torch());
    embed_torch.push_back(bench.embed_torch_images_per_s());
  }
  const double train_ratio = median(step_torch) / median(step_doppel);
  const double embed_ratio = median(embed_doppel) / median(embed_torch);
  if (options.as_json) {
    nlohmann::json document = {{"recipe", bench.recipe().name},
                               {"rounds", options.rounds},
                               {"train",
                                {{"doppel_s_per_step", median(step_doppel)},
                                 {"libtorch_s_per_step", median(step_torch)},
                                 {"ratio", train_ratio}}},
                               {"embed",
                                {{"doppel_images_per_s", median(embed_doppel)},
                                 {"libtorch_images_per_s", median(embed_torch)},
                                 {"ratio", embed_ratio}}}};
    document.update(machine_facts(options.threads));
    std::printf("%s\n", document.dump(2).c_str());
    return;
  }
  print_machine(machine_facts(options.threads));
  std::printf("recipe %s, batches of %zu, medians of %d rounds\n", bench.recipe().name.c_str(),
              bench.recipe().batch.size, options.rounds);
  std::printf("%-34s %12s %12s %8s\n", "", "Doppel", "LibTorch", "ratio");
  std::printf("%-34s %9.2f ms %9.2f ms %8.1f\n", "a training step", 1e3 * median(step_doppel),
              1e3 * median(step_torch), train_ratio);
  std::printf("%-34s %12.0f %12.0f %8.1f\n", "embedding, images per second", median(embed_doppel),
              median(embed_torch), embed_ratio);
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{"Times a recipe's training step and embedding beside LibTorch's"};
  program.add_option("--recipe", options.recipe, "A recipe with the loss cosine_margin")
      ->capture_default_str();
  program.add_option("--threads", options.threads, "Threads of both")->check(CLI::Range(1, 256));
  program.add_option("--rounds", options.rounds, "Alternating rounds")->check(CLI::Range(1, 1000));
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "faces_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
