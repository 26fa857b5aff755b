#include "doppel/eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/eval/distances.h"
#include "doppel/model/embedding.h"

namespace doppel {
namespace {

constexpr size_t kFewestIdentities = 15, kFewestHeldOut = 5, kMostHeldOut = 100;

struct Impostor {
  float distance = 0;
  uint32_t a = 0, b = 0;
};

// Where a FAR of `far` is expected of strangers: the rank among n impostor distances.
double rank_for(double far, double n) { return far * (n + 1); }

}  // namespace

Threshold calibrate(const ScoredPairs& pairs, std::span<const PairPersons> persons, double far,
                    const Bootstrap& bootstrap, ThreadPool& pool) {
  check_pair_persons(pairs, persons);
  if (!(far > 0 && far < 1)) {
    throw Error(ErrorKind::bad_argument,
                "far: a rate between 0 and 1 was expected, not " + std::to_string(far));
  }
  std::vector<Impostor> impostors;
  std::vector<uint32_t> people;
  for (size_t i = 0; i < persons.size(); ++i) {
    people.push_back(persons[i].a);
    people.push_back(persons[i].b);
    if (!pairs.genuine[i]) {
      impostors.push_back({pairs.distance[i], persons[i].a, persons[i].b});
    }
  }
  std::sort(impostors.begin(), impostors.end(),
            [](const Impostor& p, const Impostor& q) { return p.distance < q.distance; });
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  for (Impostor& pair : impostors) {
    for (uint32_t* person : {&pair.a, &pair.b}) {
      *person = static_cast<uint32_t>(std::lower_bound(people.begin(), people.end(), *person) -
                                      people.begin());
    }
  }

  const auto n = static_cast<double>(impostors.size());
  const double rank = rank_for(far, n);
  if (rank < 1 || rank > n) {
    const double rarer = std::min(far, 1 - far);
    throw Error(ErrorKind::bad_data,
                "threshold: a FAR of " + std::to_string(far) + " needs at least " +
                    std::to_string(static_cast<size_t>(std::ceil(1 / rarer - 1))) +
                    " pairs of different persons to choose it on, there are " +
                    std::to_string(impostors.size()));
  }
  const auto below = static_cast<size_t>(rank);  // 1 .. n
  const size_t above = std::min(below + 1, impostors.size());
  Threshold threshold;
  threshold.far = far;
  threshold.value =
      std::lerp(double{impostors[below - 1].distance}, double{impostors[above - 1].distance},
                rank - static_cast<double>(below));
  threshold.impostor = impostors.size();
  threshold.genuine = pairs.distance.size() - impostors.size();
  threshold.identities = people.size();
  threshold.tar = at_threshold(pairs, threshold.value).recall();

  std::vector<double> achieved(bootstrap.replicates);
  pool.parallel_for(bootstrap.replicates, [&](size_t r, size_t) {
    Random random(bootstrap.seed, Purpose::bootstrap, static_cast<uint32_t>(r), 1);
    std::vector<uint32_t> drawn;
    uint64_t total = 0;
    const auto weight = [&](const Impostor& pair) {
      return uint64_t{drawn[pair.a]} * drawn[pair.b];
    };
    while (total == 0) {
      drawn = draw_persons(people.size(), random);
      for (const Impostor& pair : impostors) total += weight(pair);
    }
    // Up to the first pair at or beyond the rank, and the part of it that the rank asks for.
    const double wanted =
        std::min(rank_for(far, static_cast<double>(total)), static_cast<double>(total));
    uint64_t sum = 0;
    size_t i = 0;
    for (; static_cast<double>(sum + weight(impostors[i])) < wanted; ++i) {
      sum += weight(impostors[i]);
    }
    achieved[r] = static_cast<double>(i + 1) / (n + 1);
  });
  const Interval interval = percentile_interval(std::move(achieved));
  threshold.lower = std::min(interval.lower, far);
  threshold.upper = std::max(interval.upper, far);
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
  return result;
}

}  // namespace doppel
