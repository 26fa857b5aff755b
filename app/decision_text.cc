#include "decision_text.h"

#include <cctype>
#include <cmath>
#include <cstdio>

#include "doppel/base/words.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

// "about 1 search in 100 by a stranger names", "about 3 searches in 10 by strangers name"
std::string searches(double fpir) {
  if (fpir <= 0) return "no search by a stranger names";
  if (fpir > 0.15) {
    const double in_ten = std::round(10 * fpir);
    if (in_ten >= 10) return "nearly every search by a stranger names";
    return "about " + formatted("%.0f", in_ten) + " searches in 10 by strangers name";
  }
  const double one_in = 1 / fpir;
  const double digit = std::pow(10, std::floor(std::log10(one_in)) - 1);  // the second one
  return "about 1 search in " + formatted("%.0f", std::round(one_in / digit) * digit) +
         " by a stranger names";
}

std::string sentence_of(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// "FPIR 1 %, in nine of ten such galleries 0.4 to 2.3 %"
std::string terms(const DecisionRule& rule, const char* interval) {
  return "FPIR " + two_digits(*rule.fpir) + " %, " + interval + " " + two_digits(rule.fpir_lower) +
         " to " + two_digits(rule.fpir_upper) + " %";
}

std::string by_own_people(const DecisionRule& rule) {
  std::string text = sentence_of(searches(*rule.fpir)) + " somebody, as the gallery's own " +
                     plural(rule.people, "person") + " show for photos like theirs";
  if (rule.people < kEnoughPeople) {
    text += ", though so few tell little of strangers";
  } else if (rule.extrapolated) {
    text += ", though so rare a rate is extrapolated";
  }
  return text + " (" + terms(rule, "in nine of ten such galleries") + ")";
}

std::string by_calibration(const DecisionRule& rule) {
  return "On photos like those that the model was measured on (" +
         plural(rule.calibrated_on, "person") + "), " + searches(*rule.fpir) +
         " somebody; on other photos this is unknown (" + terms(rule, "95 % interval") +
         (rule.extrapolated ? ", extrapolated)" : ")");
}

}  // namespace

std::string decision_text(const DecisionRule& rule) {
  switch (rule.source) {
    case RuleSource::none:
      return rule.fault;
    case RuleSource::set:
      if (!rule.fpir) {
        return "Whoever comes nearer than the distance that was set is taken for that person; "
               "nothing tells how many strangers do, for the model has no calibration";
      }
      return "A distance was set. " + by_calibration(rule);
    case RuleSource::model:
      return by_calibration(rule) + ". From " + plural(kFewestPeople, "person") +
             " on the gallery's own people draw the line";
    case RuleSource::gallery:
      break;
  }
  return by_own_people(rule);
}

std::string decision_figures(const DecisionRule& rule) {
  if (rule.source == RuleSource::none) return "";
  std::string text = std::string("somebody where the ") +
                     (rule.normalised ? "score is below " : "distance is below ") +
                     formatted("%.4g", rule.threshold);
  if (rule.distance)
    text += " and the distance below the model's " + formatted("%.4g", *rule.distance);
  if (rule.far) text += ": FAR " + two_digits(*rule.far) + " % of one comparison";
  return text + "; " + plural(rule.people, "person") + ", " + plural(rule.templates, "template");
}

}  // namespace doppel::internal::app
