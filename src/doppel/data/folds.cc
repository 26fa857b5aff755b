#include "doppel/data/folds.h"

#include <algorithm>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {

std::vector<Fold> contiguous_folds(const Dataset& dataset, int folds) {
  const std::vector<Identity>& identities = dataset.identities;
  const size_t people = identities.size();
  if (folds < 2 || static_cast<size_t>(folds) > people / 2) {
    throw Error(
        ErrorKind::bad_argument,
        "folds: at least 2 were expected, each with at least 2 identities to test on, not " +
            std::to_string(folds) + " folds of " + std::to_string(people) + " identities");
  }
  const size_t count = static_cast<size_t>(folds);
  std::vector<Fold> result(count);
  for (size_t f = 0; f < count; ++f) {
    const size_t begin = f * people / count, end = (f + 1) * people / count;
    bool recognisable = false;
    for (size_t i = 0; i < people; ++i) {
      const bool tested = i >= begin && i < end;
      (tested ? result[f].test : result[f].train).push_back(i);
      recognisable |= tested && identities[i].count >= 2;
    }
    if (!recognisable) {
      throw Error(ErrorKind::bad_data,
                  dataset.source + ": fold " + std::to_string(f + 1) + " of " +
                      std::to_string(folds) + " (" + identities[begin].name + " to " +
                      identities[end - 1].name +
                      ") has nobody with two images; take fewer folds or add images");
    }
  }
  return result;
}

}  // namespace doppel::internal
