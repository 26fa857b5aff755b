#include "doppel/gallery/own_line.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <span>

namespace doppel {
namespace {

using OwnSearches = std::vector<ImpostorScores::Search>;

constexpr double kRarest = 1e-9;
// Of the two readings of OwnLine, so many people make the weights equal.
constexpr double kEvenWeights = 100;
// The lower tail of searches is a little heavier than a normal distribution's: as that of Student's
// distribution of so many degrees of freedom and the same variance.
constexpr double kTailDegrees = 20;

double normal_quantile(double share) { return boost::math::quantile(boost::math::normal(), share); }

// The value that a share of the weights lies below; between two values it is interpolated.
// `sorted` rises.
double weighted_quantile(const OwnSearches& sorted, double total, double share) {
  double below = 0, last_place = 0, last_value = sorted.front().nearest;
  for (const ImpostorScores::Search& search : sorted) {
    const double place = (below + search.weight / 2) / total;
    if (place >= share) {
      if (below == 0) return search.nearest;
      return last_value +
             (search.nearest - last_value) * (share - last_place) / (place - last_place);
    }
    below += search.weight;
    last_place = place;
    last_value = search.nearest;
  }
  return last_value;
}

struct NormalFit {
  double middle = 0, slope = 0, total = 0;
};

// By least squares over the quantiles of these shares. Sums run in the order of the values, so
// that the order of the searches does not matter.
NormalFit fit_normal(OwnSearches searches, double lowest_share, double highest_share,
                     bool geometric) {
  constexpr int kShares = 6;
  std::ranges::sort(searches, [](const auto& a, const auto& b) {
    return a.nearest != b.nearest ? a.nearest < b.nearest : a.weight < b.weight;
  });
  NormalFit fit;
  for (const ImpostorScores::Search& search : searches) fit.total += search.weight;
  double z[kShares], value[kShares], z_mean = 0, value_mean = 0;
  for (int i = 0; i < kShares; ++i) {
    const double part = i / (kShares - 1.0);
    const double share = geometric ? lowest_share * std::pow(highest_share / lowest_share, part)
                                   : lowest_share + (highest_share - lowest_share) * part;
    z[i] = normal_quantile(share);
    value[i] = weighted_quantile(searches, fit.total, share);
    z_mean += z[i] / kShares;
    value_mean += value[i] / kShares;
  }
  double products = 0, squares = 0;
  for (int i = 0; i < kShares; ++i) {
    products += (z[i] - z_mean) * (value[i] - value_mean);
    squares += (z[i] - z_mean) * (z[i] - z_mean);
  }
  fit.slope = products / squares;
  fit.middle = value_mean - fit.slope * z_mean;
  return fit;
}

double student_quantile(double degrees, double share) {
  return boost::math::quantile(boost::math::students_t(degrees), share);
}

// In deviations of a distribution that is known from so many people: where one more falls below at
// the rate `share` (the prediction interval of normal variables).
double predicted_deviate(double people, double share) {
  return student_quantile(std::max(1.0, people - 1), share) * std::sqrt(1 + 1 / people);
}

// How much further out the heavier tail lies.
double tail_ratio(double share) {
  const double normal = normal_quantile(share);
  if (std::abs(normal) < 0.01) return 1;
  return student_quantile(kTailDegrees, share) * std::sqrt(1 - 2 / kTailDegrees) / normal;
}

}  // namespace

OwnLine::OwnLine(const ImpostorScores& scores)
    : people_(static_cast<double>(scores.people)),
      pair_mean_(scores.pair_mean),
      pair_deviation_(scores.pair_deviation) {
  assert(!scores.searches.empty());
  double total = 0;
  for (const ImpostorScores::Search& search : scores.searches) total += search.weight;
  // The more people, the lower the quantiles that they show.
  const NormalFit fit = fit_normal(scores.searches, std::clamp(5 / total, 0.01, 0.1), 0.5, true);
  searched_ = fit.total;
  middle_ = fit.middle;
  slope_ = fit.slope;
}

double OwnLine::threshold(double fpir) const {
  const double searches = middle_ + slope_ * predicted_deviate(searched_, fpir) * tail_ratio(fpir);
  const double far = -std::expm1(std::log1p(-fpir) / people_);
  const double pairs = pair_mean_ + pair_deviation_ * normal_quantile(far);
  const double weight = people_ / (people_ + kEvenWeights);
  return weight * searches + (1 - weight) * pairs;
}

double OwnLine::fpir(double score) const {
  const auto odds = [](double x) { return 1 / (1 + std::exp(-x)); };
  double low = std::log(kRarest), high = -low;  // logits
  if (threshold(odds(low)) >= score) return odds(low);
  if (threshold(odds(high)) <= score) return odds(high);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (threshold(odds(middle)) < score ? low : high) = middle;
  }
  return odds((low + high) / 2);
}

// The normal deviates of the FPIRs that galleries had lay this far from the wanted one's: with 8
// people -1.0 to 1.1, with 25 -0.2 to 0.6, with 100 -0.2 to 0.3; with more they differ little any
// more, but from one collection to the other.
OwnLine::Interval OwnLine::interval(double fpir) const {
  const double off = std::sqrt(0.12 + 9 / searched_);
  const boost::math::normal normal;
  const double z = normal_quantile(fpir);
  return {boost::math::cdf(normal, z - off), boost::math::cdf(normal, z + off)};
}

double same_person_distance(const std::vector<ImpostorScores::Search>& nearest) {
  // The quantiles that a few people who are there twice do not move.
  const NormalFit fit = fit_normal(nearest, 0.1, 0.5, false);
  return fit.middle + fit.slope * predicted_deviate(fit.total, 0.001);
}

double normalisation_strength(size_t people) {
  const double n = static_cast<double>(std::max<size_t>(1, people));
  return std::clamp(0.5 + 0.5 * std::log(n / 100) / std::log(6.0), 0.5, 1.0);
}

}  // namespace doppel
