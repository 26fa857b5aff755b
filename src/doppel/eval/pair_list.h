// Lists of pairs in the format of Labeled Faces in the Wild (Huang, Ramesh, Berg, Learned-Miller,
// 2007): a text comes in, pairs of images of a data set go out, and back. Lists freeze a test, so
// that every system answers the same questions.
//
// The first line of a View 1 list is n, of a View 2 list the number of folds and n; each fold then
// holds n genuine pairs "name<TAB>a<TAB>b" (images a and b of one person) and n impostor pairs
// "name<TAB>a<TAB>other<TAB>b". Where a fold has unequal numbers of both kinds, which LFW does not
// know, the first line is folds, genuine pairs, impostor pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/data/pairs.h"
#include "doppel/eval/verification.h"

namespace doppel::internal {

struct NamedImage {
  std::string person;  // Identity::name
  uint32_t number =
      0;  // at the end of the file's name: 1 in Ann/Ann_0001.jpg, s1/1.pgm, x/07_01.png

  friend bool operator==(const NamedImage&, const NamedImage&) = default;
};

struct NamedPair {
  NamedImage a, b;
  size_t line = 0;  // of the list, from 1 on

  bool genuine() const { return a.person == b.person; }
};

struct PairList {
  std::string source;                         // the file's name, for messages
  std::vector<std::vector<NamedPair>> folds;  // View 1: one
};

inline constexpr size_t kMostPairListBytes = 32 << 20;

// Throws Error(bad_data) naming `name` and the line that is not what the format demands, or where
// the text has more than kMostPairListBytes. Line ends may be those of DOS.
PairList parse_pair_list(std::string_view text, const std::string& name);

// The images of `dataset` that the list names, fold by fold, in the list's order. Throws
// Error(mismatch) naming the line and the person or image that is not there, or whose number two
// images of the person share.
std::vector<std::vector<Pair>> resolve(const PairList& list, const Dataset& dataset);

// The list as text, with the shortest first line that says it: of each fold the genuine pairs, then
// the impostor pairs. Throws Error(bad_argument) where the folds differ in their numbers of pairs
// or have none of a kind, Error(bad_data) where the text could not be read again: an image without
// a number at the end of its name or with another's, a tab in a person's name, a pair of an image
// with itself.
std::string encode_pair_list(std::span<const std::vector<Pair>> folds, const Dataset& dataset);

// LFW's View 2 figure: for each fold, the share of right decisions at the threshold that is best on
// all other folds (best_accuracy()).
struct FoldedAccuracy {
  std::vector<double> folds;
  double mean = 0;
  double standard_error = 0;  // standard deviation (n - 1) / sqrt(n)
};
// Throws Error(bad_argument) for fewer than two folds; like roc_curve for a fold's pairs.
FoldedAccuracy folded_accuracy(std::span<const ScoredPairs> folds);

}  // namespace doppel::internal
