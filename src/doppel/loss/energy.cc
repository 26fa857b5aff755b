#include "doppel/loss/energy.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr std::pair<EnergyKind, const char*> kNames[] = {
    {EnergyKind::euclidean, "euclidean"},     {EnergyKind::squared_euclidean, "squared_euclidean"},
    {EnergyKind::cosine, "cosine"},           {EnergyKind::manhattan, "manhattan"},
    {EnergyKind::weighted_l1, "weighted_l1"},
};

}  // namespace

double squared_euclidean(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - double{b[i]};
    sum += difference * difference;
  }
  return sum;
}

double euclidean(std::span<const float> a, std::span<const float> b) {
  return std::sqrt(squared_euclidean(a, b));
}

double cosine(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  if (aa == 0 || bb == 0) return 1;
  return 1 - std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

double manhattan(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double{a[i]} - double{b[i]});
  return sum;
}

double weighted_l1(std::span<const float> weights, float bias, std::span<const float> a,
                   std::span<const float> b) {
  assert(a.size() == b.size() && a.size() == weights.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += double{weights[i]} * std::abs(double{a[i]} - double{b[i]});
  }
  return sum + double{bias};
}

double energy_of(const Energy& energy, std::span<const float> a, std::span<const float> b) {
  switch (energy.kind) {
    case EnergyKind::euclidean:
      return euclidean(a, b);
    case EnergyKind::squared_euclidean:
      return squared_euclidean(a, b);
    case EnergyKind::cosine:
      return cosine(a, b);
    case EnergyKind::manhattan:
      return manhattan(a, b);
    case EnergyKind::weighted_l1:
      break;
  }
  if (energy.weights.size() != a.size()) {
    throw Error(ErrorKind::mismatch,
                "energy weighted_l1: it has " + std::to_string(energy.weights.size()) +
                    " weights, but embeddings have " + std::to_string(a.size()) + " values");
  }
  return 1 / (1 + elementary::exp(weighted_l1(energy.weights, energy.bias, a, b)));
}

std::string to_string(EnergyKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  assert(false);
  return {};
}

EnergyKind energy_named(const std::string& name) {
  std::string names;
  for (const auto& [kind, known] : kNames) {
    if (name == known) return kind;
    names.append(names.empty() ? "" : ", ").append(known);
  }
  throw Error(ErrorKind::bad_argument,
              std::string("energy: known are ").append(names).append(", not \"" + name + "\""));
}

nlohmann::json to_json(const Energy& energy) {
  nlohmann::json json = {{"kind", to_string(energy.kind)}};
  if (energy.kind == EnergyKind::weighted_l1) {
    json["weights"] = energy.weights;
    json["bias"] = energy.bias;
  }
  return json;
}

Energy energy_from_json(const nlohmann::json& given, const std::string& where) {
  const nlohmann::json json = given.is_string() ? nlohmann::json{{"kind", given}} : given;
  const JsonObject object(json, std::string(where).append(": energy"));
  Energy energy;
  try {
    energy.kind = energy_named(object.text("kind"));
  } catch (const Error& error) {
    object.fail(error.what());
  }
  if (energy.kind != EnergyKind::weighted_l1) return energy;
  for (const double weight : object.numbers("weights")) {
    energy.weights.push_back(static_cast<float>(weight));
  }
  energy.bias = static_cast<float>(object.number("bias"));
  return energy;
}

}  // namespace doppel::internal
