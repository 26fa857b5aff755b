#include "doppel/data/pairs.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <unordered_set>
#include <utility>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostPerKind = 100'000'000;

// Two different numbers below `bound`, every ordered couple equally likely.
std::pair<uint32_t, uint32_t> two_below(Random& random, size_t bound) {
  const uint32_t first = random.below(static_cast<uint32_t>(bound));
  const uint32_t second = random.below(static_cast<uint32_t>(bound - 1));
  return {first, second + (second >= first)};
}

Pair genuine_pair(Random& random, const Identity& identity) {
  const auto [a, b] = two_below(random, identity.count);
  const uint32_t first = static_cast<uint32_t>(identity.first);
  return {first + a, first + b, true};
}

std::vector<uint32_t> shuffled(size_t count, Random& random) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  random.shuffle(std::span<uint32_t>(numbers));
  return numbers;
}

PairSet draw_even(const Dataset& dataset, size_t per_kind, Random genuine, Random impostor) {
  const std::vector<Identity>& identities = dataset.identities;
  const size_t images = identities.front().count;
  const size_t each = per_kind / identities.size(), rest = per_kind % identities.size();
  const size_t rounds = per_kind / images, last = per_kind % images;
  PairSet set;
  set.pairs.reserve(2 * per_kind);

  std::vector<size_t> quota(identities.size(), each);
  const std::vector<uint32_t> favoured = shuffled(identities.size(), genuine);
  for (size_t i = 0; i < rest; ++i) ++quota[favoured[i]];
  for (size_t i = 0; i < identities.size(); ++i) {
    for (size_t k = 0; k < quota[i]; ++k) {
      set.pairs.push_back(genuine_pair(genuine, identities[i]));
    }
  }

  const auto add_impostor = [&](size_t j) {
    const auto [a, b] = two_below(impostor, identities.size());
    set.pairs.push_back({static_cast<uint32_t>(identities[a].first + j),
                         static_cast<uint32_t>(identities[b].first + j), false});
  };
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t j = 0; j < images; ++j) add_impostor(j);
  }
  const std::vector<uint32_t> indices = shuffled(images, impostor);
  for (size_t i = 0; i < last; ++i) add_impostor(indices[i]);

  set.method = "genuine: " + std::to_string(each) + " pairs of two different images for each of " +
               std::to_string(identities.size()) + " identities";
  if (rest > 0) set.method += ", one more for " + std::to_string(rest) + " of them drawn at random";
  set.method += "; impostor: " + std::to_string(rounds) + " rounds over the " +
                std::to_string(images) +
                " image indices, each time that image of two different identities";
  if (last > 0) {
    set.method += ", and a last round over " + std::to_string(last) + " indices drawn at random";
  }
  return set;
}

PairSet draw_uneven(const Dataset& dataset, size_t per_kind, Random genuine, Random impostor) {
  std::vector<size_t> several;  // the identities with at least two images
  for (size_t i = 0; i < dataset.identities.size(); ++i) {
    if (dataset.identities[i].count >= 2) several.push_back(i);
  }
  PairSet set;
  set.pairs.reserve(2 * per_kind);
  for (size_t k = 0; k < per_kind; ++k) {
    const size_t which = several[genuine.below(static_cast<uint32_t>(several.size()))];
    set.pairs.push_back(genuine_pair(genuine, dataset.identities[which]));
  }
  const auto image_of = [&](const Identity& identity) {
    return static_cast<uint32_t>(identity.first) +
           impostor.below(static_cast<uint32_t>(identity.count));
  };
  for (size_t k = 0; k < per_kind; ++k) {
    const auto [a, b] = two_below(impostor, dataset.identities.size());
    const uint32_t image_a = image_of(dataset.identities[a]);
    const uint32_t image_b = image_of(dataset.identities[b]);
    set.pairs.push_back({image_a, image_b, false});
  }
  set.method =
      "the identities have different numbers of images; genuine: an identity uniformly "
      "out of the " +
      std::to_string(several.size()) +
      " with at least two images, then two different images of it; impostor: two "
      "different identities uniformly out of all " +
      std::to_string(dataset.identities.size()) + ", then an image of each";
  return set;
}

// The same number for (a, b) and (b, a).
uint64_t unordered_key(const Pair& pair) {
  const auto [low, high] = std::minmax(pair.a, pair.b);
  return uint64_t{low} << 32 | high;
}

}  // namespace

PairSet draw_pairs(const Dataset& dataset, size_t per_kind, uint64_t seed) {
  if (per_kind < 1 || per_kind > kMostPerKind) {
    throw Error(ErrorKind::bad_argument, "pairs: 1 to " + std::to_string(kMostPerKind) +
                                             " of each kind were expected, not " +
                                             std::to_string(per_kind));
  }
  const std::vector<Identity>& identities = dataset.identities;
  if (identities.size() < 2) {
    throw Error(ErrorKind::bad_data,
                dataset.source + ": at least two identities are needed for impostor pairs, not " +
                    std::to_string(identities.size()));
  }
  const auto [least, most] =
      std::minmax_element(identities.begin(), identities.end(),
                          [](const Identity& x, const Identity& y) { return x.count < y.count; });
  if (most->count < 2) {
    throw Error(ErrorKind::bad_data,
                dataset.source +
                    ": no identity has two images, so there are no genuine pairs; add "
                    "a second image to some of the folders");
  }
  const Random genuine(seed, Purpose::pairs, 0), impostor(seed, Purpose::pairs, 1);
  return least->count == most->count ? draw_even(dataset, per_kind, genuine, impostor)
                                     : draw_uneven(dataset, per_kind, genuine, impostor);
}

PairSplit split_pairs(std::vector<Pair> pairs, uint64_t seed) {
  if (pairs.size() < 5) {
    throw Error(ErrorKind::bad_argument,
                "pairs: at least 5 were expected, to have some to train, to validate and to test, "
                "not " +
                    std::to_string(pairs.size()));
  }
  Random(seed, Purpose::split).shuffle(std::span<Pair>(pairs));
  const size_t learning = pairs.size() - pairs.size() / 4;
  const auto test = pairs.begin() + static_cast<std::ptrdiff_t>(learning);
  const auto validation = test - static_cast<std::ptrdiff_t>(learning / 4);
  return {{pairs.begin(), validation}, {validation, test}, {test, pairs.end()}};
}

Overlap seen_in_training(const PairSplit& split) {
  std::unordered_set<uint64_t> trained;
  trained.reserve(split.train.size());
  for (const Pair& pair : split.train) trained.insert(unordered_key(pair));
  size_t pairs[2] = {0, 0}, seen[2] = {0, 0};  // impostor, genuine
  for (const Pair& pair : split.test) {
    ++pairs[pair.genuine];
    seen[pair.genuine] += trained.count(unordered_key(pair));
  }
  const auto fraction = [&](size_t kind) {
    return pairs[kind] == 0 ? 0
                            : static_cast<double>(seen[kind]) / static_cast<double>(pairs[kind]);
  };
  return {fraction(1), fraction(0)};
}

std::vector<Pair> all_pairs(const Dataset& dataset) {
  const size_t images = dataset.images.size();
  const size_t pairs = images * (images - (images > 0)) / 2;
  if (images > UINT32_MAX || pairs > kMostPairs) {
    throw Error(ErrorKind::bad_argument, dataset.source + ": " + std::to_string(images) +
                                             " images make more than the " +
                                             std::to_string(kMostPairs) +
                                             " pairs that are accepted here; take fewer images");
  }
  std::vector<Pair> all;
  all.reserve(pairs);
  for (uint32_t a = 0; a < images; ++a) {
    for (uint32_t b = a + 1; b < images; ++b) {
      all.push_back({a, b, dataset.identity_of[a] == dataset.identity_of[b]});
    }
  }
  return all;
}

}  // namespace doppel::internal
