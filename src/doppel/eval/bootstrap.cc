#include "doppel/eval/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

Random replicate_stream(const Bootstrap& bootstrap, size_t replicate) {
  return {bootstrap.seed, Purpose::bootstrap, static_cast<uint32_t>(replicate)};
}

// A pair in the order of distances.
struct Ranked {
  float distance = 0;
  uint32_t a = 0, b = 0;
};

// How many pairs two persons have with each other, a == b: genuine ones.
struct PairCount {
  uint32_t a = 0, b = 0;
  size_t count = 0;
};

struct Figures {
  double eer = 0, auc = 0;
  std::array<double, kFarLevels.size()> tar_at_far{};
};

uint64_t weight(const std::vector<uint32_t>& drawn, uint32_t a, uint32_t b) {
  return a == b ? drawn[a] : uint64_t{drawn[a]} * drawn[b];
}

// The walk along the ROC of roc_curve(), equal_error(), area_under_curve() and tar_at_far() with
// weighted pairs.
Figures weighted_figures(const std::vector<Ranked>& ranked, const std::vector<uint32_t>& drawn,
                         uint64_t genuine, uint64_t impostor) {
  Figures figures;
  uint64_t accepted_genuine = 0, accepted_impostor = 0, twice_area = 0;
  uint64_t smallest = genuine * impostor;  // of |FNMR - FAR|: nothing is accepted
  figures.eer = 0.5;
  std::array<uint64_t, kFarLevels.size()> most_impostor;  // that a FAR level allows
  for (size_t level = 0; level < kFarLevels.size(); ++level) {
    most_impostor[level] =
        static_cast<uint64_t>(kFarLevels[level] * static_cast<double>(impostor) * (1 + 1e-12));
  }
  // Behind the last genuine pair TAR is 1 whatever is accepted.
  for (size_t i = 0; i < ranked.size() && accepted_genuine < genuine;) {
    const float distance = ranked[i].distance;
    const uint64_t genuine_before = accepted_genuine, impostor_before = accepted_impostor;
    for (; i < ranked.size() && ranked[i].distance == distance; ++i) {
      const Ranked& pair = ranked[i];
      (pair.a == pair.b ? accepted_genuine : accepted_impostor) += weight(drawn, pair.a, pair.b);
    }
    twice_area += (accepted_impostor - impostor_before) * (accepted_genuine + genuine_before);
    const uint64_t misses = (genuine - accepted_genuine) * impostor;
    const uint64_t false_accepts = accepted_impostor * genuine;
    const uint64_t gap = misses > false_accepts ? misses - false_accepts : false_accepts - misses;
    if (gap < smallest) {
      smallest = gap;
      figures.eer = static_cast<double>(misses + false_accepts) /
                    (2 * static_cast<double>(genuine) * static_cast<double>(impostor));
    }
    for (size_t level = 0; level < kFarLevels.size(); ++level) {
      if (accepted_impostor <= most_impostor[level]) {
        figures.tar_at_far[level] =
            static_cast<double>(accepted_genuine) / static_cast<double>(genuine);
      }
    }
  }
  twice_area += (impostor - accepted_impostor) * 2 * genuine;
  figures.auc = static_cast<double>(twice_area) /
                (2 * static_cast<double>(genuine) * static_cast<double>(impostor));
  return figures;
}

}  // namespace

std::vector<PairPersons> persons_of(std::span<const Pair> pairs,
                                    std::span<const uint32_t> identity_of) {
  std::vector<PairPersons> persons;
  persons.reserve(pairs.size());
  for (const Pair& pair : pairs) {
    if (std::max(pair.a, pair.b) >= identity_of.size()) {
      throw Error(ErrorKind::mismatch, "pairs: image " + std::to_string(std::max(pair.a, pair.b)) +
                                           " has no person, there are " +
                                           std::to_string(identity_of.size()) + " images");
    }
    persons.push_back({identity_of[pair.a], identity_of[pair.b]});
  }
  return persons;
}

void Bootstrap::check_stop() const {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "the measurement was stopped");
}

void check_pair_persons(const ScoredPairs& pairs, std::span<const PairPersons> persons) {
  check_scored_pairs(pairs);
  if (pairs.distance.size() != persons.size()) {
    throw Error(ErrorKind::mismatch, "scored pairs: " + std::to_string(pairs.distance.size()) +
                                         " distances for the persons of " +
                                         std::to_string(persons.size()) + " pairs");
  }
  for (size_t i = 0; i < persons.size(); ++i) {
    const bool one_person = persons[i].a == persons[i].b;
    if (one_person != (pairs.genuine[i] != 0)) {
      throw Error(ErrorKind::mismatch, std::string("scored pairs: pair ")
                                           .append(std::to_string(i))
                                           .append(one_person ? " is an impostor pair of one person"
                                                              : " is a genuine pair of two"));
    }
  }
}

std::vector<uint32_t> draw_persons(size_t persons, Random& random) {
  std::vector<uint32_t> drawn(persons, 0);
  for (size_t i = 0; i < persons; ++i) ++drawn[random.below(static_cast<uint32_t>(persons))];
  return drawn;
}

double quantile(std::span<const double> sorted, double p) {
  assert(!sorted.empty() && p >= 0 && p <= 1);
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

Interval percentile_interval(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - share) / 2), quantile(values, (1 + share) / 2)};
}

VerificationIntervals bootstrap_verification(const ScoredPairs& pairs,
                                             std::span<const PairPersons> persons,
                                             const Bootstrap& bootstrap, ThreadPool& pool) {
  check_pair_persons(pairs, persons);
  std::vector<Ranked> ranked;
  ranked.reserve(persons.size());
  size_t people = 0;
  for (size_t i = 0; i < persons.size(); ++i) {
    const auto [a, b] = std::minmax(persons[i].a, persons[i].b);
    ranked.push_back({pairs.distance[i], a, b});
    people = std::max(people, size_t{b} + 1);
  }

  // The persons that occur, numbered without gaps: only they are drawn.
  std::vector<uint32_t> number(people, 0);
  for (const Ranked& pair : ranked) number[pair.a] = number[pair.b] = 1;
  uint32_t occurring = 0;
  for (uint32_t& n : number) n = n == 0 ? 0 : occurring++;
  for (Ranked& pair : ranked) {
    pair.a = number[pair.a];
    pair.b = number[pair.b];
  }
  // Pairs of the same persons mostly follow each other: only their runs are sorted.
  const auto append = [](std::vector<PairCount>& to, const PairCount& pair) {
    if (to.empty() || to.back().a != pair.a || to.back().b != pair.b) {
      to.push_back(pair);
    } else {
      to.back().count += pair.count;
    }
  };
  std::vector<PairCount> runs, counts;
  for (const Ranked& pair : ranked) append(runs, {pair.a, pair.b, 1});
  std::sort(runs.begin(), runs.end(), [](const PairCount& p, const PairCount& q) {
    return std::pair(p.a, p.b) < std::pair(q.a, q.b);
  });
  for (const PairCount& run : runs) append(counts, run);
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& p, const Ranked& q) { return p.distance < q.distance; });

  std::vector<Figures> replicates(bootstrap.replicates);
  pool.parallel_for(bootstrap.replicates, [&](size_t r, size_t) {
    bootstrap.check_stop();
    Random random = replicate_stream(bootstrap, r);
    std::vector<uint32_t> drawn;
    uint64_t genuine = 0, impostor = 0;
    while (genuine == 0 || impostor == 0) {
      drawn = draw_persons(occurring, random);
      genuine = impostor = 0;
      for (const PairCount& c : counts) {
        (c.a == c.b ? genuine : impostor) += c.count * weight(drawn, c.a, c.b);
      }
    }
    replicates[r] = weighted_figures(ranked, drawn, genuine, impostor);
  });

  const auto interval = [&](auto figure) {
    std::vector<double> values;
    for (const Figures& figures : replicates) values.push_back(figure(figures));
    return percentile_interval(std::move(values));
  };
  VerificationIntervals result;
  result.eer = interval([](const Figures& f) { return f.eer; });
  result.auc = interval([](const Figures& f) { return f.auc; });
  for (size_t level = 0; level < kFarLevels.size(); ++level) {
    result.tar_at_far[level] = interval([&](const Figures& f) { return f.tar_at_far[level]; });
  }
  return result;
}

Interval bootstrap_rate(std::span<const double> right, std::span<const size_t> trials,
                        const Bootstrap& bootstrap, ThreadPool& pool) {
  if (right.size() != trials.size()) {
    throw Error(ErrorKind::mismatch, "bootstrap: right answers of " + std::to_string(right.size()) +
                                         " persons for trials of " + std::to_string(trials.size()));
  }
  if (std::all_of(trials.begin(), trials.end(), [](size_t t) { return t == 0; })) return {};
  std::vector<double> rates(bootstrap.replicates);
  pool.parallel_for(bootstrap.replicates, [&](size_t r, size_t) {
    bootstrap.check_stop();
    Random random = replicate_stream(bootstrap, r);
    double sum = 0, all = 0;
    while (all == 0) {
      const std::vector<uint32_t> drawn = draw_persons(trials.size(), random);
      sum = 0;
      for (size_t i = 0; i < trials.size(); ++i) {
        sum += right[i] * drawn[i];
        all += static_cast<double>(trials[i]) * drawn[i];
      }
    }
    rates[r] = sum / all;
  });
  return percentile_interval(std::move(rates));
}

}  // namespace doppel::internal
