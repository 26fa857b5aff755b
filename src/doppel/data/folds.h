// Cross-validation over people: a data set's identities come in, blocks of them to test on and the
// others to train on go out, so that nobody is tested who was trained on.
#pragma once

#include <cstddef>
#include <vector>

#include "doppel/data/dataset.h"

namespace doppel::internal {

struct Fold {
  std::vector<size_t> test, train;  // indices into Dataset::identities, ascending
};

// Contiguous blocks in natural order, so that figures compare with other people's: fold f of F
// tests on the identities f*n/F .. (f+1)*n/F - 1 of n (rounded down), whose numbers differ by one
// at most; 40 identities in 4 folds are 0..9, 10..19, 20..29, 30..39. Throws Error(bad_argument)
// for fewer than two folds or fewer than two identities in one, Error(bad_data) where nobody in a
// fold has two images: there would be nothing to recognise.
std::vector<Fold> contiguous_folds(const Dataset& dataset, int folds);

}  // namespace doppel::internal
