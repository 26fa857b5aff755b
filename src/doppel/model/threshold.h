// The threshold of a model: the distance below which two images count as one person, with what that
// is worth. Chosen by eval/calibration.h, stored in the model file.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "doppel/model/far_curve.h"
#include "doppel/model/photo_summary.h"

namespace doppel::internal {

struct Threshold {
  double far = 0;    // the FAR it was chosen for, in 0 .. 1
  double value = 0;  // accept where distance < value
  // 95 % confidence interval of the FAR that this value reaches among strangers: the rate in the
  // long run. What a small group of strangers shows scatters around it by itself.
  double lower = 0, upper = 0;
  size_t genuine = 0, impostor = 0;  // numbers of pairs it was chosen on
  double tar = 0;                    // of these genuine pairs
  size_t identities = 0;             // persons of these pairs
  FarCurve curve;                    // of the same impostor pairs; passes through far and value
  // Their distances at the quantiles 0, 1/100, .. 1, of the genuine pairs and of the impostor ones;
  // empty in files of before these were kept.
  std::vector<double> genuine_distances = {}, impostor_distances = {};
  // Some of these persons have names that the model knew before: it may have seen them, and then
  // its FAR is too low a figure.
  bool namesakes = false;
  // Of these persons' photos; none in files of before it was kept.
  std::optional<PhotoSummary> photos = {};

  friend bool operator==(const Threshold&, const Threshold&) = default;
};

inline constexpr size_t kDistanceQuantiles = 101;

// {"far", "value", "lower", "upper", "genuine", "impostor", "tar", "identities", "curve",
//  "genuine_distances", "impostor_distances", "namesakes": true}, the last where they are.
nlohmann::json to_json(const Threshold& threshold);
// The same with "photos", where they are known: as files keep it.
nlohmann::json stored_json(const Threshold& threshold);
// What either gives. Throws Error(bad_data) that begins with `where` for anything else.
Threshold threshold_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
