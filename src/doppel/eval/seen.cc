#include "doppel/eval/seen.h"

#include <algorithm>

#include "doppel/base/digest.h"

namespace doppel::internal {

SeenOverlap seen_overlap(const SeenPeople& seen, const Dataset& dataset) {
  check_digests(dataset);
  SeenOverlap overlap;
  for (const Identity& identity : dataset.identities) {
    bool known = std::ranges::binary_search(seen.identities, sha256_hex(identity.name));
    if (known) overlap.named.push_back(identity.name);
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      if (std::ranges::binary_search(seen.images, dataset.image_digests[i])) {
        overlap.images.push_back(dataset.image_names[i]);
      } else if (looks_seen(seen, dataset.image_hashes[i])) {
        overlap.look_alikes.push_back(dataset.image_names[i]);
      } else {
        continue;
      }
      known = true;
    }
    if (known) overlap.identities.push_back(identity.name);
  }
  return overlap;
}

bool looks_seen(const SeenPeople& seen, std::span<const PerceptualHash> picture) {
  return std::ranges::any_of(
      seen.hashes, [&](const PerceptualHash& known) { return same_picture(picture, known); });
}

nlohmann::json to_json(const SeenOverlap& overlap) {
  return {{"identities", overlap.identities},
          {"named", overlap.named},
          {"images", overlap.images.size()},
          {"look_alikes", overlap.look_alikes}};
}

}  // namespace doppel::internal
