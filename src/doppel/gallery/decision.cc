#include "doppel/gallery/decision.h"

#include <algorithm>

namespace doppel::internal {
namespace {

// By the model's FAR curve, of plain distances.
void decide_by_model(const GallerySettings& settings, DecisionRule& rule) {
  const FarCurve& curve = settings.threshold->curve;
  rule.far =
      settings.distance ? far_at(curve, *settings.distance) : far_for(settings.fpir, rule.chances);
  const FarPoint point = point_at(curve, *rule.far);
  // Rarer than the curve knows: its rarest.
  if (!settings.distance) rule.far = std::max(*rule.far, curve.points.front().far);
  rule.threshold = settings.distance.value_or(point.distance);
  rule.fpir = fpir_of(*rule.far, rule.chances);
  rule.fpir_lower = fpir_of(point.lower, rule.chances);
  rule.fpir_upper = fpir_of(point.upper, rule.chances);
  rule.extrapolated = *rule.far < curve.resolved;
}

void decide_by_people(const GallerySettings& settings, const OwnLine& line, DecisionRule& rule) {
  rule.normalised = true;
  rule.threshold = line.threshold(settings.fpir);
  rule.fpir = settings.fpir;
  rule.far = far_for(settings.fpir, rule.people);
  const OwnLine::Interval interval = line.interval(settings.fpir);
  rule.fpir_lower = interval.lower;
  rule.fpir_upper = interval.upper;
  rule.extrapolated = line.extrapolated(settings.fpir);
}

}  // namespace

std::string to_string(RuleSource source) {
  switch (source) {
    case RuleSource::none:
      return "none";
    case RuleSource::set:
      return "set";
    case RuleSource::model:
      return "model";
    case RuleSource::gallery:
      break;
  }
  return "gallery";
}

void check_decides(const DecisionRule& rule) {
  if (rule.source == RuleSource::none) throw Error(ErrorKind::uncalibrated, rule.fault);
}

DecisionRule decision_rule(const GallerySettings& settings, size_t people, size_t templates,
                           const std::optional<OwnLine>& line) {
  DecisionRule rule;
  rule.people = people;
  rule.templates = templates;
  if (settings.threshold) rule.calibrated_on = settings.threshold->identities;
  // A stranger may be taken for any template, but for a person where distances are means.
  rule.chances = std::max<size_t>(1, settings.fusion == Fusion::mean ? people : templates);
  if (const auto fault = rule_fault(settings)) {
    rule.fault = "the gallery's " + *fault + "; doppel gallery set gives it another";
  } else if (settings.distance) {
    rule.source = RuleSource::set;
    rule.threshold = *settings.distance;
    if (settings.threshold) decide_by_model(settings, rule);
  } else if (line) {
    rule.source = RuleSource::gallery;
    if (settings.threshold && people < kEnoughPeople) {
      decide_by_model(settings, rule);
      rule.distance = rule.threshold;
    }
    decide_by_people(settings, *line, rule);
  } else if (settings.threshold) {
    rule.source = RuleSource::model;
    decide_by_model(settings, rule);
  } else {
    rule.fault = "nobody can be recognised before " + std::to_string(kFewestPeople) +
                 " people are enrolled, for the model has no calibration: enroll more people, or "
                 "set a distance (doppel gallery set --threshold)";
  }
  return rule;
}

}  // namespace doppel::internal
