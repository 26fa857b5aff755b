#include "doppel/model/threshold_fault.h"

#include <cmath>
#include <cstdio>

namespace doppel::internal {
namespace {

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// No two embeddings are farther apart.
double largest_distance(const DistanceScale& scale) {
  const double values = std::sqrt(static_cast<double>(scale.size));
  const double longest = longest_embedding(scale.length, scale.size);
  switch (scale.energy.kind) {
    case EnergyKind::euclidean:
      return 2 * longest;
    case EnergyKind::squared_euclidean:
      return 4 * longest * longest;
    case EnergyKind::manhattan:
      return 2 * longest * values;
    case EnergyKind::cosine:
      return 2;
    case EnergyKind::weighted_l1:
      break;
  }
  return 1;
}

}  // namespace

DistanceScale distance_scale(const Model& model) {
  return {model.energy, model.embedder->length(), embedding_size(model), model.threshold};
}

std::optional<std::string> distance_fault(double distance, const DistanceScale& scale) {
  const double largest = largest_distance(scale);
  if (!(distance > 0 && distance < largest)) {
    return "is " + digits(distance) + ", a distance above 0 and below " + digits(largest) +
           " was expected: no two embeddings of the model are farther apart";
  }
  if (!scale.known || scale.known->curve.empty()) return {};
  const FarPoint& last = scale.known->curve.points.back();
  if (last.far < 1 || distance <= last.distance) return {};
  return "is " + digits(distance) + ", at most " + digits(last.distance) +
         " was expected: no two different people that the model was calibrated on are farther "
         "apart";
}

std::optional<std::string> rate_fault(double rate) {
  if (rate >= kLeastRate && rate <= kMostRate) return {};
  return "is " + digits(rate) + ", a rate from " + digits(kLeastRate) + " to " + digits(kMostRate) +
         " was expected";
}

std::optional<std::string> threshold_fault(const Threshold& threshold, const Energy& energy,
                                           EmbeddingLength length, size_t size) {
  if (threshold.identities < 2 || threshold.impostor < 1) {
    return "was calibrated on " + std::to_string(threshold.identities) + " people and " +
           std::to_string(threshold.impostor) +
           " pairs of different ones; at least two people were expected";
  }
  if (const auto fault = rate_fault(threshold.far)) return "is for a FAR that " + *fault;
  if (threshold.photos && threshold.photos->embedding.size() != size) {
    return "has a mean embedding of " + std::to_string(threshold.photos->embedding.size()) +
           " values; " + std::to_string(size) + " were expected";
  }
  if (threshold.value == 0) return {};
  const std::optional<Threshold> none;
  return distance_fault(threshold.value, {energy, length, size, none});
}

}  // namespace doppel::internal
