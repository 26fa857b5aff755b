#include "doppel/loss/batch_loss.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/loss/distance_losses.h"
#include "doppel/loss/margin_softmax.h"
#include "doppel/loss/pairwise.h"
#include "doppel/loss/similarity_losses.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

// A number that can be set, and where it has to lie.
struct Setting {
  const char* name;
  double value, low, high;
  bool may_be_null = false;
};

// A type of loss, what can be set of it, and how it is made of settings that are complete.
struct Type {
  const char* name;
  std::vector<Setting> settings;
  std::unique_ptr<BatchLoss> (*make)(const json& complete, size_t embedding_size,
                                     size_t identities);
};

double number(const json& complete, const char* name) { return complete.at(name).get<double>(); }

std::unique_ptr<BatchLoss> make_multi_similarity(const json& complete, size_t, size_t) {
  MultiSimilarity settings{number(complete, "alpha"), number(complete, "beta"),
                           number(complete, "base"), std::nullopt};
  if (!complete.at("epsilon").is_null()) settings.epsilon = number(complete, "epsilon");
  return multi_similarity_loss(settings);
}

// A new loss is a file of its own and a line here.
const std::vector<Type>& types() {
  static const std::vector<Type> all = {
      {"contrastive",
       {{"margin", 1, 1e-6, 1e6}},
       [](const json& s, size_t, size_t) { return contrastive_batch_loss(number(s, "margin")); }},
      {"triplet_batch_hard",
       {{"margin", 0.2, 0, 1e6}},
       [](const json& s, size_t, size_t) { return triplet_batch_hard_loss(number(s, "margin")); }},
      {"triplet_semi_hard",
       {{"margin", 0.2, 0, 1e6}},
       [](const json& s, size_t, size_t) { return triplet_semi_hard_loss(number(s, "margin")); }},
      {"multi_similarity",
       {{"alpha", 2, 1e-3, 1e4},
        {"beta", 50, 1e-3, 1e4},
        {"base", 0.5, -1, 1},
        {"epsilon", 0.1, 0, 2, true}},
       make_multi_similarity},
      {"supervised_contrastive",
       {{"temperature", 0.1, 1e-3, 1e3}},
       [](const json& s, size_t, size_t) {
         return supervised_contrastive_loss(number(s, "temperature"));
       }},
      {"n_pair",
       {{"l2", 0.002, 0, 1e3}},
       [](const json& s, size_t, size_t) { return n_pair_loss(number(s, "l2")); }},
      {"cosine_margin",
       {{"scale", 16, 1e-3, 1e4}, {"margin", 0.2, 0, 1}},
       [](const json& s, size_t size, size_t identities) {
         return cosine_margin_loss(number(s, "scale"), number(s, "margin"), size, identities);
       }},
      {"arc_margin",
       {{"scale", 16, 1e-3, 1e4}, {"margin", 0.2, 0, 1.5}},
       [](const json& s, size_t size, size_t identities) {
         return arc_margin_loss(number(s, "scale"), number(s, "margin"), size, identities);
       }},
  };
  return all;
}

// Null where there is none of that name.
const Type* type_named(const std::string& name) {
  const auto found = std::ranges::find_if(types(), [&](const Type& t) { return name == t.name; });
  return found == types().end() ? nullptr : &*found;
}

constexpr Setting kWeight = {"weight", 1, 0, 1e6};
constexpr size_t kMostLosses = 16;  // of a sum: settings come out of a file

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorKind::bad_argument, std::string("loss: ").append(message));
}

JsonObject object_of(const json& settings, const std::string& type = "") {
  return {settings, type.empty() ? "loss" : "loss " + type, ErrorKind::bad_argument};
}

// One that is no sum; `more` are settings beyond those of its type.
json complete_one(const json& settings, std::span<const Setting> more) {
  const std::string type = object_of(settings).text("type");
  const Type* known = type_named(type);
  if (known == nullptr) {
    std::string names;
    for (const Type& candidate : types()) names.append(candidate.name).append(", ");
    refuse("unknown type \"" + type + "\"; known are " + names +
           (more.empty() ? "sum" : "but no sum within a sum"));
  }
  std::vector<Setting> all = known->settings;
  all.insert(all.end(), more.begin(), more.end());
  const JsonObject object = object_of(settings, type);
  json complete = {{"type", type}};
  std::vector<std::string> names = {"type"};
  for (const Setting& setting : all) {
    names.emplace_back(setting.name);
    if (!object.has(setting.name)) {
      complete[setting.name] = setting.value;
    } else if (setting.may_be_null && object.at(setting.name).is_null()) {
      complete[setting.name] = nullptr;
    } else {
      complete[setting.name] = object.number(setting.name, setting.low, setting.high);
    }
  }
  object.expect_only(names);
  return complete;
}

std::unique_ptr<BatchLoss> make_one(const json& complete, size_t embedding_size,
                                    size_t identities) {
  const Type* type = type_named(complete.at("type").get<std::string>());
  return type->make(complete, embedding_size, identities);
}

// sum over losses of weight * loss.
class Sum : public BatchLoss {
 public:
  void add(double weight, std::unique_ptr<BatchLoss> loss) {
    parts_.push_back({weight, std::move(loss)});
  }

  size_t parameter_count() const override {
    size_t count = 0;
    for (const Part& part : parts_) count += part.loss->parameter_count();
    return count;
  }

  std::vector<float> initial_parameters(uint64_t seed) const override {
    std::vector<float> parameters;
    for (const Part& part : parts_) {
      const std::vector<float> initial = part.loss->initial_parameters(seed);
      parameters.insert(parameters.end(), initial.begin(), initial.end());
    }
    return parameters;
  }

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float> parameters, ThreadPool& pool) const override {
    if (parameters.size() != parameter_count()) {
      throw Error(ErrorKind::mismatch, "loss: it has " + std::to_string(parameter_count()) +
                                           " parameters, not " + std::to_string(parameters.size()));
    }
    LossResult sum{0, Matrix(embeddings.rows, embeddings.columns), {}};
    for (const Part& part : parts_) {
      const size_t count = part.loss->parameter_count();
      const LossResult one =
          part.loss->evaluate(embeddings, identity, parameters.first(count), pool);
      parameters = parameters.subspan(count);
      const auto weight = static_cast<float>(part.weight);
      sum.loss += part.weight * one.loss;
      for (size_t i = 0; i < sum.gradient.values.size(); ++i) {
        sum.gradient.values[i] += weight * one.gradient.values[i];
      }
      for (const float g : one.parameter_gradient) sum.parameter_gradient.push_back(weight * g);
    }
    return sum;
  }

 private:
  struct Part {
    double weight;
    std::unique_ptr<BatchLoss> loss;
  };
  std::vector<Part> parts_;
};

}  // namespace

std::vector<float> BatchLoss::initial_parameters(uint64_t) const { return {}; }

json complete_loss_settings(const json& settings) {
  if (object_of(settings).text("type") != "sum") return complete_one(settings, {});
  const JsonObject object = object_of(settings, "sum");
  object.expect_only({"type", "losses"});
  const json& losses = object.list("losses");
  if (losses.empty() || losses.size() > kMostLosses) {
    object.refuse("losses", "a list of 1 to " + std::to_string(kMostLosses) + " losses");
  }
  json complete = {{"type", "sum"}, {"losses", json::array()}};
  for (const json& loss : losses) complete["losses"].push_back(complete_one(loss, {&kWeight, 1}));
  return complete;
}

std::unique_ptr<BatchLoss> make_batch_loss(const json& settings, size_t embedding_size,
                                           size_t identities) {
  const json complete = complete_loss_settings(settings);
  if (complete.at("type") != "sum") return make_one(complete, embedding_size, identities);
  auto sum = std::make_unique<Sum>();
  for (const json& loss : complete.at("losses")) {
    sum->add(loss.at("weight").get<double>(), make_one(loss, embedding_size, identities));
  }
  return sum;
}

}  // namespace doppel::internal
