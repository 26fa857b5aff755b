#include "doppel/eval/seen.h"

#include <algorithm>

#include "doppel/base/digest.h"
#include "doppel/base/error.h"

namespace doppel {
namespace {

void check_digests(const Dataset& dataset) {
  if (dataset.image_names.size() != dataset.image_digests.size()) {
    throw Error(ErrorKind::mismatch,
                dataset.source + ": " + std::to_string(dataset.image_digests.size()) +
                    " digests for " + std::to_string(dataset.image_names.size()) + " images");
  }
}

}  // namespace

SeenOverlap seen_overlap(const SeenPeople& seen, const Dataset& dataset) {
  check_digests(dataset);
  SeenOverlap overlap;
  for (const Identity& identity : dataset.identities) {
    bool known = std::ranges::binary_search(seen.identities, sha256_hex(identity.name));
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      if (!std::ranges::binary_search(seen.images, dataset.image_digests[i])) continue;
      overlap.images.push_back(dataset.image_names[i]);
      known = true;
    }
    if (known) overlap.identities.push_back(identity.name);
  }
  return overlap;
}

}  // namespace doppel
