// Can anybody be told apart by this? Thresholds and rates that people or files name come in; why
// they cannot be meant goes out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "doppel/loss/energy.h"
#include "doppel/model/embedding_fault.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold.h"

namespace doppel::internal {

// What embeddings a distance lies between, and what is known of strangers there.
struct DistanceScale {
  const Energy& energy;
  EmbeddingLength length = EmbeddingLength::any;
  size_t size = 0;                        // values of an embedding
  const std::optional<Threshold>& known;  // the calibration, where there is one
};
DistanceScale distance_scale(const Model& model);

inline constexpr double kLeastRate = 1e-9, kMostRate = 0.5;

// Each as it stands behind the name of what it is about; nothing where all is well.
//
// Below a distance people are taken for one: it is above 0, and there are pairs that are farther
// apart. Of those of different people that the model was calibrated on there are, too.
std::optional<std::string> distance_fault(double distance, const DistanceScale& scale);
// Of an FPIR, or a FAR that is wished for: from kLeastRate to kMostRate, where a stranger is as
// likely taken for somebody as not.
std::optional<std::string> rate_fault(double rate);
// Of one that was calibrated: on people, for a rate and at a distance that can be. One of 0, where
// different people share a picture, takes nobody for anybody.
std::optional<std::string> threshold_fault(const Threshold& threshold, const Energy& energy,
                                           EmbeddingLength length, size_t size);

}  // namespace doppel::internal
