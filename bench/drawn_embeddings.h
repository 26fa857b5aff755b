// Embeddings of people that nobody has photographed, of length 1, for benchmarks of many.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/random.h"

namespace doppel::internal {

// As embeddings of the recipe faces, trained on 30 people, are spread over people it never saw
// (13,233 photos of Labeled Faces in the Wild): the variance along the k-th principal direction
// falls like (k + offset)^-decay, and pictures of one person vary by `within` of it.
struct FaceSpread {
  double offset = 10, decay = 2, within = 0.25;
};

class DrawnEmbeddings {
 public:
  DrawnEmbeddings(size_t dimension, const FaceSpread& spread, uint64_t seed)
      : spread_(spread), seed_(seed), deviation_(dimension) {
    double sum = 0;
    for (size_t k = 0; k < dimension; ++k) {
      deviation_[k] = std::pow(static_cast<double>(k) + spread.offset, -spread.decay);
      sum += deviation_[k];
    }
    for (double& value : deviation_) value = std::sqrt(value / sum);
  }

  // Photo `photo` of a person.
  void draw(uint32_t person, uint16_t photo, std::span<float> row) const {
    Random own(seed_, Purpose::synthetic, person);
    Random more(seed_, Purpose::sample, person, photo);
    const double place = std::sqrt(1 - spread_.within), noise = std::sqrt(spread_.within);
    double squares = 0;
    for (size_t k = 0; k < row.size(); ++k) {
      const double value = deviation_[k] * (place * own.normal() + noise * more.normal());
      row[k] = static_cast<float>(value);
      squares += value * value;
    }
    for (float& value : row) value = static_cast<float>(double{value} / std::sqrt(squares));
  }

 private:
  FaceSpread spread_;
  uint64_t seed_;
  std::vector<double> deviation_;
};

}  // namespace doppel::internal
