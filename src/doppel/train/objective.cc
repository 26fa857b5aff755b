#include "doppel/train/objective.h"

#include <nlohmann/json.hpp>

#include "doppel/error.h"
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

[[noreturn]] void refuse_loss(const std::string& what) {
  throw Error(ErrorKind::bad_argument, what);
}

}  // namespace

nlohmann::json complete_objective(const nlohmann::json& settings, bool pairs) {
  if (!pairs) return complete_loss_settings(settings);
  const json type = settings.is_object() ? settings.value("type", json()) : json();
  if (type != "contrastive_pairs" && type != "logistic_pairs") {
    refuse_loss("loss type " + type.dump() +
                " is not for pairs; known: \"contrastive_pairs\", \"logistic_pairs\"");
  }
  json complete = {{"type", type}};
  if (type == "contrastive_pairs") complete["margin"] = settings.value("margin", json(1.0));
  for (const auto& [key, value] : settings.items()) {
    if (!complete.contains(key))
      refuse_loss("loss \"" + type.get<std::string>() + "\" has no " + key);
  }
  if (complete.contains("margin")) {
    const json& margin = complete["margin"];
    if (!margin.is_number() || !(margin.get<double>() > 0 && margin.get<double>() < 1e6)) {
      refuse_loss("margin: a number above 0 was expected, not " + margin.dump());
    }
    complete["margin"] = margin.get<double>();
  }
  return complete;
}

std::unique_ptr<BatchLoss> make_objective(const nlohmann::json& settings, bool pairs,
                                          size_t embedding_size, size_t identities) {
  const json complete = complete_objective(settings, pairs);
  if (!pairs) return make_batch_loss(complete, embedding_size, identities);
  if (complete["type"] == "logistic_pairs") return std::make_unique<LogisticPairs>(embedding_size);
  return std::make_unique<ContrastivePairs>(complete["margin"].get<double>());
}

}  // namespace doppel::internal
