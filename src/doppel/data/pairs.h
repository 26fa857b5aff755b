// The pairs a twin network learns from: a data set comes in, two images of one identity (genuine)
// or of two (impostor) go out, drawn and split as the tutorial does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "doppel/data/dataset.h"

namespace doppel::internal {

struct Pair {
  uint32_t a = 0;  // indices into Dataset::images
  uint32_t b = 0;
  bool genuine = false;

  friend bool operator==(const Pair&, const Pair&) = default;
};

struct PairSet {
  std::vector<Pair> pairs;  // all genuine ones, then all impostor ones
  std::string method;       // how they were drawn, in words
};

// `per_kind` pairs of each kind, drawn with repetition. Where every identity has the same number of
// images c, as the tutorial: genuine pairs in equal numbers for each identity, of two different
// images of it; impostor pairs in per_kind / c rounds over the image indices j, each of two
// different identities, image j of both. What the divisions leave over goes one each to identities
// drawn without repetition, and to a last round over as many image indices drawn without
// repetition. Where the numbers of images differ: genuine pairs uniform over the identities with at
// least two images, then over two different images; impostor pairs uniform over two different
// identities, then over an image of each. Throws Error(bad_argument) for `per_kind` outside 1 ..
// 100 million, Error(bad_data) for fewer than two identities or none with two images.
PairSet draw_pairs(const Dataset& dataset, size_t per_kind, uint64_t seed);

struct PairSplit {
  std::vector<Pair> train, validation, test;
};

// Shuffles; of n pairs the last n/4 are for testing, of those before the last quarter for
// validation (both rounded down): 20,000 become 11,250, 3,750 and 5,000. The tutorial's split: by
// pairs, not by people. Throws Error(bad_argument) for fewer than 5 pairs.
PairSplit split_pairs(std::vector<Pair> pairs, uint64_t seed);

// Fractions in 0 .. 1; 0 where there are no test pairs of the kind.
struct Overlap {
  double genuine = 0, impostor = 0;
};

// Which part of the test pairs of each kind are, as unordered pairs of images, among the training
// pairs, too. The validation pairs do not count as seen.
Overlap seen_in_training(const PairSplit& split);

// At most this many pairs are listed (1.6 GB of them): those of 16,384 images.
inline constexpr size_t kMostPairs = size_t{1} << 27;

// Every unordered pair of different images, a < b, ordered by a, then b.
// Throws Error(bad_argument) where they are more than kMostPairs.
std::vector<Pair> all_pairs(const Dataset& dataset);

}  // namespace doppel::internal
