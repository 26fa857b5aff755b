#include "doppel/eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "doppel/base/elementary.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/eval/impostor_tail.h"
#include "doppel/model/embedding.h"

namespace doppel::internal {
namespace {

constexpr size_t kFewestIdentities = 15, kFewestHeldOut = 5, kMostHeldOut = 100;

// Where a FAR of `far` is expected of strangers: the rank among n impostor distances.
double rank_for(double far, double n) { return far * (n + 1); }

// The rarest FAR of a curve; its points are eight to a decade.
constexpr int kDecades = 9, kPointsOfDecade = 8;
constexpr double kSurestRank = 10;

// All impostor pairs, by rising distance; their persons numbered from 0 on.
struct Impostors {
  std::vector<float> distances;
  std::vector<PairPersons> persons;
  size_t people = 0;  // of all pairs
};

Impostors impostors_of(const ScoredPairs& pairs, std::span<const PairPersons> persons) {
  std::vector<uint32_t> people;
  std::vector<size_t> order;
  for (size_t i = 0; i < persons.size(); ++i) {
    people.push_back(persons[i].a);
    people.push_back(persons[i].b);
    if (!pairs.genuine[i]) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](size_t i) { return pairs.distance[i]; });
  std::ranges::sort(people);
  people.erase(std::unique(people.begin(), people.end()), people.end());
  const auto number = [&](uint32_t person) {
    return static_cast<uint32_t>(std::ranges::lower_bound(people, person) - people.begin());
  };
  Impostors impostors;
  impostors.people = people.size();
  for (const size_t i : order) {
    impostors.distances.push_back(pairs.distance[i]);
    impostors.persons.push_back({number(persons[i].a), number(persons[i].b)});
  }
  return impostors;
}

// The distances at even ranks, the first and the last among them, interpolated; nothing of nothing.
std::vector<double> quantiles_of(std::span<const float> sorted) {
  std::vector<double> quantiles;
  if (sorted.empty()) return quantiles;
  for (size_t i = 0; i < kDistanceQuantiles; ++i) {
    const double rank = static_cast<double>(i * (sorted.size() - 1)) / (kDistanceQuantiles - 1);
    const size_t below = static_cast<size_t>(rank);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    quantiles.push_back(std::lerp(static_cast<double>(sorted[below]),
                                  static_cast<double>(sorted[above]),
                                  rank - static_cast<double>(below)));
  }
  return quantiles;
}

// How often each pair comes in a draw of persons that leaves one at all.
std::vector<uint64_t> draw_pairs(const Impostors& impostors, Random& random) {
  std::vector<uint64_t> weights(impostors.persons.size());
  do {
    const std::vector<uint32_t> drawn = draw_persons(impostors.people, random);
    std::ranges::transform(impostors.persons, weights.begin(), [&](const PairPersons& pair) {
      return uint64_t{drawn[pair.a]} * drawn[pair.b];
    });
  } while (std::ranges::all_of(weights, [](uint64_t weight) { return weight == 0; }));
  return weights;
}

double total_of(std::span<const uint64_t> weights) {
  return static_cast<double>(std::accumulate(weights.begin(), weights.end(), uint64_t{0}));
}

// The share of the pairs up to the first one at or beyond the rank that `far` has in a draw.
double achieved_far(std::span<const uint64_t> weights, double far) {
  const double total = total_of(weights);
  const double wanted = std::min(rank_for(far, total), total);
  uint64_t sum = 0;
  size_t i = 0;
  for (; static_cast<double>(sum + weights[i]) < wanted; ++i) sum += weights[i];
  return static_cast<double>(i + 1) / (static_cast<double>(weights.size()) + 1);
}

ImpostorTail tail_of(const Impostors& impostors, std::span<const uint64_t> weights, double far) {
  const double total = total_of(weights);
  const double most = std::min(kSurestRank, total);
  return {impostors.distances, weights, std::clamp(rank_for(far, total), 1.0, most)};
}

// The FARs of a curve, the wanted one among them.
std::vector<double> far_levels(double far) {
  std::vector<double> levels = {far};
  for (int i = 0; i <= kDecades * kPointsOfDecade; ++i) {
    const double level = elementary::pow(10, -static_cast<double>(i) / kPointsOfDecade);
    // One that nearly is the wanted one would only divide by almost nothing.
    if (std::abs(level / far - 1) > 1e-6) levels.push_back(level);
  }
  std::ranges::sort(levels);
  return levels;
}

}  // namespace

Threshold calibrate(const ScoredPairs& pairs, std::span<const PairPersons> persons, double far,
                    const Bootstrap& bootstrap, ThreadPool& pool) {
  check_pair_persons(pairs, persons);
  if (!(far > 0 && far < 1)) {
    throw Error(ErrorKind::bad_argument,
                "far: a rate between 0 and 1 was expected, not " + std::to_string(far));
  }
  const Impostors impostors = impostors_of(pairs, persons);
  const size_t n = impostors.distances.size();
  const double rank = rank_for(far, static_cast<double>(n));
  if (rank < 1 || rank > static_cast<double>(n)) {
    const double rarer = std::min(far, 1 - far);
    throw Error(ErrorKind::bad_data,
                "threshold: a FAR of " + std::to_string(far) + " needs at least " +
                    std::to_string(static_cast<size_t>(std::ceil(1 / rarer - 1))) +
                    " pairs of different persons to choose it on, there are " + std::to_string(n));
  }
  const std::vector<uint64_t> once(n, 1);
  const ImpostorTail tail = tail_of(impostors, once, far);
  Threshold threshold;
  threshold.far = far;
  threshold.value = tail.distance_at(far);
  threshold.impostor = n;
  threshold.genuine = pairs.distance.size() - n;
  threshold.identities = impostors.people;
  threshold.tar = at_threshold(pairs, threshold.value).recall();
  threshold.impostor_distances = quantiles_of(impostors.distances);
  std::vector<float> genuine;
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    if (pairs.genuine[i]) genuine.push_back(pairs.distance[i]);
  }
  std::ranges::sort(genuine);
  threshold.genuine_distances = quantiles_of(genuine);

  FarCurve& curve = threshold.curve;
  curve.resolved = 1 / (static_cast<double>(n) + 1);
  for (const double level : far_levels(far)) {
    curve.points.push_back({level, tail.distance_at(level), level, level});
  }
  std::vector<double> achieved(bootstrap.replicates);
  Matrix of_levels(curve.points.size(), bootstrap.replicates);
  pool.parallel_for(bootstrap.replicates, [&](size_t r, size_t) {
    Random random(bootstrap.seed, Purpose::bootstrap, static_cast<uint32_t>(r), 1);
    const std::vector<uint64_t> weights = draw_pairs(impostors, random);
    achieved[r] = achieved_far(weights, far);
    const ImpostorTail drawn = tail_of(impostors, weights, far);
    for (size_t i = 0; i < curve.points.size(); ++i) {
      of_levels.row(i)[r] =
          static_cast<float>(far_at(curve, drawn.distance_at(curve.points[i].far)));
    }
  });
  const Interval interval = percentile_interval(std::move(achieved));
  threshold.lower = std::min(interval.lower, far);
  threshold.upper = std::max(interval.upper, far);
  for (size_t i = 0; i < curve.points.size(); ++i) {
    const std::span<const float> rates = of_levels.row(i);
    const Interval around = percentile_interval({rates.begin(), rates.end()});
    FarPoint& point = curve.points[i];
    point.lower = std::min(around.lower, point.far);
    point.upper = std::max(around.upper, point.far);
  }
  return threshold;
}

std::vector<size_t> held_out_identities(const Dataset& dataset, double share, uint64_t seed) {
  if (!(share >= 0 && share <= 0.5)) {
    throw Error(ErrorKind::bad_argument,
                "holdout: a share between 0 and 0.5 was expected, not " + std::to_string(share));
  }
  const size_t n = dataset.identities.size();
  if (share == 0 || n < kFewestIdentities) return {};
  const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(n)));
  const size_t count = std::clamp(wanted, kFewestHeldOut, kMostHeldOut);
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  Random(seed, Purpose::split, 1).shuffle(std::span<size_t>(order));
  const auto has_pair = [&](size_t identity) { return dataset.identities[identity].count > 1; };
  const auto first_pair = std::ranges::find_if(order, has_pair);
  const auto end = order.begin() + static_cast<ptrdiff_t>(count);
  if (first_pair != order.end() && first_pair >= end) std::iter_swap(end - 1, first_pair);
  order.resize(count);
  std::ranges::sort(order);
  return order;
}

Calibration calibrate(const Model& model, const Dataset& strangers, double far, ThreadPool& pool) {
  const Matrix embeddings = embed_images(model, strangers.images, pool);
  const std::vector<Pair> pairs = all_pairs(strangers);
  const ScoredPairs scored = score_pairs(embeddings, pairs, model.energy, pool);
  Calibration result;
  result.verification = measure_verification(scored);
  // Of n impostor pairs the smallest rate is that of the nearest one: rank 1 and a little.
  const double smallest = 1 / static_cast<double>(result.verification.impostor);
  result.resolved = far >= smallest;
  result.threshold = calibrate(scored, persons_of(pairs, strangers.identity_of),
                               result.resolved ? far : smallest, {}, pool);
  const std::vector<int64_t> people(strangers.identity_of.begin(), strangers.identity_of.end());
  std::vector<Looks> looks(strangers.images.size());
  pool.parallel_for(looks.size(), [&](size_t i, size_t) {
    looks[i] = measure_looks(strangers.images[i], model.preprocessing);
  });
  result.threshold.photos = summarise(people, embeddings, looks);
  return result;
}

}  // namespace doppel::internal
