#include "doppel/gallery/own_line.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <span>

namespace doppel::internal {
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

double total_weight(const OwnSearches& searches) {
  double total = 0;
  for (const ImpostorScores::Search& search : searches) total += search.weight;
  return total;
}

// In the order of the values, so that the order in which they come does not matter.
void sort_searches(OwnSearches& searches) {
  std::ranges::sort(searches, [](const auto& a, const auto& b) {
    return a.nearest != b.nearest ? a.nearest < b.nearest : a.weight < b.weight;
  });
}

struct NormalFit {
  double middle = 0, slope = 0;
};

// By least squares over the quantiles of these shares. `sorted` may end beyond the last of them;
// `total` is the weight of all. A share of all, `left_out`, was below every quantile and has got
// another value: so the quantiles are those of shares that are larger.
NormalFit fit_normal(const OwnSearches& sorted, double total, std::span<const double> shares,
                     double left_out = 0) {
  std::vector<double> z, value;
  double z_mean = 0, value_mean = 0;
  const double n = static_cast<double>(shares.size());
  for (const double share : shares) {
    z.push_back(normal_quantile((share + left_out) / (1 + left_out)));
    value.push_back(weighted_quantile(sorted, total, share));
    z_mean += z.back() / n;
    value_mean += value.back() / n;
  }
  double products = 0, squares = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    products += (z[i] - z_mean) * (value[i] - value_mean);
    squares += (z[i] - z_mean) * (z[i] - z_mean);
  }
  const double slope = products / squares;
  return {value_mean - slope * z_mean, slope};
}

// Six shares, each the same part of the one before.
std::array<double, 6> geometric_shares(double lowest, double highest) {
  std::array<double, 6> shares = {};
  for (size_t i = 0; i < shares.size(); ++i) {
    shares[i] = lowest * std::pow(highest / lowest, static_cast<double>(i) / 5);
  }
  return shares;
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

OwnLine::OwnLine(const ImpostorScores& scores) {
  numbers_.people = static_cast<double>(scores.people);
  assert(!scores.searches.empty() && !scores.pairs.empty());
  OwnSearches searches = scores.searches;
  sort_searches(searches);
  numbers_.searched = total_weight(searches);
  // The more people, the lower the quantiles that they show.
  const NormalFit fit = fit_normal(
      searches, numbers_.searched,
      geometric_shares(std::clamp(5 / numbers_.searched, 0.01, 0.1), 0.5), scores.left_out);
  numbers_.middle = fit.middle;
  numbers_.slope = fit.slope;

  const double total = total_weight(scores.pairs);
  double sum = 0, squares = 0;
  for (const ImpostorScores::Search& pair : scores.pairs) {
    sum += pair.weight * pair.nearest;
    squares += pair.weight * pair.nearest * pair.nearest;
  }
  numbers_.pair_middle = sum / total;
  numbers_.pair_slope =
      std::sqrt(std::max(0.0, squares / total - numbers_.pair_middle * numbers_.pair_middle));
  OwnSearches lower = scores.pairs;
  const size_t half = (lower.size() + 1) / 2;
  std::nth_element(lower.begin(), lower.begin() + static_cast<ptrdiff_t>(half - 1), lower.end(),
                   [](const auto& a, const auto& b) { return a.nearest < b.nearest; });
  lower.resize(half);
  sort_searches(lower);
  const NormalFit near = fit_normal(lower, total, geometric_shares(0.02, 0.3));
  numbers_.near_middle = near.middle;
  numbers_.near_slope = near.slope;
}

double OwnLine::threshold(double fpir) const {
  const double searches = numbers_.middle + numbers_.slope *
                                                predicted_deviate(numbers_.searched, fpir) *
                                                tail_ratio(fpir);
  const double far = -std::expm1(std::log1p(-fpir) / numbers_.people);
  const double z = normal_quantile(far);
  const double pairs = std::min(numbers_.pair_middle + numbers_.pair_slope * z,
                                numbers_.near_middle + numbers_.near_slope * z);
  const double weight = numbers_.people / (numbers_.people + kEvenWeights);
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
  const double off = std::sqrt(0.12 + 9 / numbers_.searched);
  const boost::math::normal normal;
  const double z = normal_quantile(fpir);
  // Whether strangers are hardly ever taken for somebody, so few people cannot tell.
  return {extrapolated(fpir) ? 0 : boost::math::cdf(normal, z - off),
          boost::math::cdf(normal, z + off)};
}

double same_person_nearness(std::vector<ImpostorScores::Search> nearest) {
  sort_searches(nearest);
  const double people = total_weight(nearest);
  // The quantiles that a few people who are there twice do not move.
  constexpr std::array<double, 5> kShares = {0.1, 0.2, 0.3, 0.4, 0.5};
  const NormalFit fit = fit_normal(nearest, people, kShares);
  return fit.middle + fit.slope * predicted_deviate(people, kMayBeSame);
}

size_t cohort_size(size_t people) { return people < 200 ? 3 : 4; }

double normalisation_strength(size_t people) {
  const double n = static_cast<double>(std::max<size_t>(1, people));
  return std::clamp(0.5 + 0.5 * std::log(n / 100) / std::log(6.0), 0.5, 1.0);
}

}  // namespace doppel::internal
