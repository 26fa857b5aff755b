#include "doppel/model/embedding_fault.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace doppel::internal {
namespace {

constexpr float kLargestValue = 1e15f;
constexpr double kShortest = 1e-9;
// Of a length of 1: far more than rounding makes of it, far less than changes a distance.
constexpr double kUnitTolerance = 1e-3;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

std::string to_string(EmbeddingLength length) {
  return length == EmbeddingLength::unit ? "unit" : "any";
}

std::optional<EmbeddingLength> embedding_length_named(const std::string& name) {
  for (const EmbeddingLength length : {EmbeddingLength::any, EmbeddingLength::unit}) {
    if (name == to_string(length)) return length;
  }
  return {};
}

double longest_embedding(EmbeddingLength length, size_t size) {
  if (length == EmbeddingLength::unit) return 1 + kUnitTolerance;
  return double{kLargestValue} * std::sqrt(static_cast<double>(size));
}

std::optional<std::string> embedding_fault(std::span<const float> embedding,
                                           EmbeddingLength length) {
  const auto infinite = [](float value) { return !std::isfinite(value); };
  if (std::ranges::any_of(embedding, infinite)) return "is not finite";
  const auto too_large = [](float value) { return std::abs(value) > kLargestValue; };
  const auto large = std::ranges::find_if(embedding, too_large);
  if (large != embedding.end()) {
    return "holds " + number(*large) + ", values up to " + number(kLargestValue) + " were expected";
  }
  double squares = 0;
  for (const float value : embedding) squares += double{value} * double{value};
  const double size = std::sqrt(squares);
  if (size == 0) return "is of zeros, which say nothing of a face";
  if (length == EmbeddingLength::unit && !(std::abs(size - 1) <= kUnitTolerance)) {
    return "has the length " + number(size) + ", those of its model have the length 1";
  }
  if (size < kShortest) {
    return "has the length " + number(size) + ", at least " + number(kShortest) + " was expected";
  }
  return {};
}

}  // namespace doppel::internal
