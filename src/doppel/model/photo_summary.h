// What photos are like to a model, in a few numbers: those that it was calibrated on, which its
// file keeps, and those that it meets, so that it is noticed where the latter are unlike the
// former and the calibration tells nothing of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/image/looks.h"

namespace doppel::internal {

// Every person counts as much as every other one.
struct PhotoSummary {
  struct Look {
    double mean = 0;
    double deviation = 0;  // of photos, as of all people from whom these were drawn

    friend bool operator==(const Look&, const Look&) = default;
  };
  size_t people = 0;
  // Brightness, and the logarithms of contrast and sharpness (image/looks.h); all 0 where nothing
  // is known of the looks.
  std::array<Look, 3> looks = {};
  std::vector<float> embedding;  // the mean; empty where nothing is known of embeddings
  double spread = 0;             // the mean squared Euclidean distance of a photo's from it

  friend bool operator==(const PhotoSummary&, const PhotoSummary&) = default;
};

// Of photos of people[i], with the rows of `embeddings` and with `looks`; each of these one for
// each photo, or none at all. At least one photo. Numbers have four significant digits.
PhotoSummary summarise(std::span<const int64_t> people, const Matrix& embeddings,
                       std::span<const Looks> looks);

// How photos differ from those of a calibration.
struct PhotoDifference {
  // Beyond what chance makes of so few people, in parts of the calibration's spread: the squared
  // distance between the means, and by how much the spread is smaller.
  double shift = 0, tightness = 0;
  // Of each look, the difference of the means in deviations.
  std::array<double, 3> looks = {};
  double total = 0, limit = 0;  // unlike where the total is beyond the limit

  bool unlike() const { return total > limit; }
};

// The total is shift + tightness + 0.05 sum max(0, look^2 - e), the limit 0.1 + 0.8 e, with e = 1/n
// + 1/m for n and m people. Chosen on models of the AT&T faces, LFW and synthetic faces that were
// calibrated on 5 to 50 people, and galleries of 20 to 100: it is beyond the limit in 98 % of draws
// where the collections differ, and in 1.5 % where they are one. Of fewer than four people met
// their embeddings tell nothing yet.
PhotoDifference compare(const PhotoSummary& calibrated, const PhotoSummary& met);

// What differs, the most telling first: "the people on them look more alike to the model (they
// differ 0.62 times as much) and the pictures are sharper".
std::string to_string(const PhotoDifference& difference);

// {"people", "brightness": [mean, deviation], "contrast", "sharpness", "embedding": [..], "spread"}
nlohmann::json to_json(const PhotoSummary& summary);
// Throws Error(bad_data) that begins with `where` for anything that to_json() cannot have written.
PhotoSummary photo_summary_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
