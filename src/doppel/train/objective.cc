#include "doppel/train/objective.h"

#include <nlohmann/json.hpp>

#include "doppel/base/json_object.h"
#include "doppel/loss/contrastive.h"
#include "doppel/loss/logistic.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

std::vector<uint8_t> genuine_of(std::span<const uint32_t> labels) {
  std::vector<uint8_t> genuine;
  for (size_t i = 0; i < labels.size() / 2; ++i) genuine.push_back(labels[i] != 0);
  return genuine;
}

class ContrastivePairs : public BatchLoss {
 public:
  explicit ContrastivePairs(double margin) : margin_(margin) {}
  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> labels,
                      std::span<const float>, ThreadPool&) const override {
    PairLoss loss = contrastive_loss(embeddings, genuine_of(labels), margin_);
    return {loss.loss, std::move(loss.gradient), {}};
  }

 private:
  double margin_;
};

class LogisticPairs : public BatchLoss {
 public:
  explicit LogisticPairs(size_t embedding_size) : embedding_size_(embedding_size) {}
  size_t parameter_count() const override { return embedding_size_ + 1; }
  std::vector<float> initial_parameters(uint64_t) const override {
    return initial_logistic_parameters(embedding_size_);
  }
  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> labels,
                      std::span<const float> parameters, ThreadPool&) const override {
    LogisticPairLoss loss = logistic_pair_loss(embeddings, genuine_of(labels), parameters);
    return {loss.loss, std::move(loss.gradient), std::move(loss.parameter_gradient)};
  }

 private:
  size_t embedding_size_;
};

}  // namespace

nlohmann::json complete_objective(const nlohmann::json& settings, bool pairs) {
  if (!pairs) return complete_loss_settings(settings);
  const JsonObject object(settings, "loss", ErrorKind::bad_argument);
  const std::string& type = object.text("type");
  if (type == "logistic_pairs") {
    object.expect_only({"type"});
    return {{"type", type}};
  }
  if (type != "contrastive_pairs") {
    object.refuse("type", "\"contrastive_pairs\" or \"logistic_pairs\" for pairs");
  }
  object.expect_only({"type", "margin"});
  double margin = 1;
  object.read("margin", margin);
  if (!(margin > 0 && margin < 1e6)) object.refuse("margin", "a number above 0 and below 1e6");
  return {{"type", type}, {"margin", margin}};
}

std::unique_ptr<BatchLoss> make_objective(const nlohmann::json& settings, bool pairs,
                                          size_t embedding_size, size_t identities) {
  const json complete = complete_objective(settings, pairs);
  if (!pairs) return make_batch_loss(complete, embedding_size, identities);
  if (complete["type"] == "logistic_pairs") return std::make_unique<LogisticPairs>(embedding_size);
  return std::make_unique<ContrastivePairs>(complete["margin"].get<double>());
}

}  // namespace doppel::internal
