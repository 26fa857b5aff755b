// By which line a gallery tells its people from strangers, and where that line comes from.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "doppel/gallery/gallery_settings.h"
#include "doppel/gallery/own_line.h"

namespace doppel::internal {

enum class RuleSource {
  none,     // nobody can be recognised yet: too few people, and a model without a calibration
  set,      // somebody set a distance
  model,    // the model's calibration: the gallery has too few people
  gallery,  // the gallery's own people
};
// "none", "set", "model", "gallery".
std::string to_string(RuleSource source);

struct DecisionRule {
  RuleSource source = RuleSource::none;
  std::string fault;  // why there is none, in a sentence
  // Somebody where the score is below the threshold, else unknown. Scores are distances, and
  // normalised ones (people_index.h) where the gallery's own people draw the line.
  double threshold = 0;
  bool normalised = false;
  // Of a gallery of fewer than kEnoughPeople: the distance, too, has to be below that of the
  // model's calibration.
  std::optional<double> distance;
  size_t people = 0, templates = 0;  // that a stranger may be taken for
  size_t calibrated_on = 0;          // people of the model's calibration; 0: it has none
  size_t chances = 1;  // comparisons of a search that a stranger may win, by the model's curve
  std::optional<double> far;   // of one comparison at the threshold; none without a calibration
  std::optional<double> fpir;  // of a search
  // The interval of the FPIR: of a model's calibration 95 %, of a gallery's own line 90 % of such
  // galleries.
  double fpir_lower = 0, fpir_upper = 0;
  // So rare a rate is beyond what the people that it was measured on can show.
  bool extrapolated = false;

  bool accepts(double distance_found, double score) const {
    return source != RuleSource::none && score < threshold &&
           (!distance || distance_found < *distance);
  }
};
// Throws Error(uncalibrated) that says why where the rule has no source.
void check_decides(const DecisionRule& rule);

// `line`: what the people draw by themselves, where they are enough.
DecisionRule decision_rule(const GallerySettings& settings, size_t people, size_t templates,
                           const std::optional<OwnLine>& line);

}  // namespace doppel::internal
