// Who is who in photos that nobody labelled: distances between them come in, groups that each show
// one person, as far as the model can tell, go out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/eval/distances.h"

namespace doppel::internal {

struct Clusters {
  std::vector<uint32_t> of;   // the cluster of each image
  std::vector<size_t> sizes;  // of each cluster: the largest first, of equal ones that of the
                              // earlier image
};

// Chinese whispers (Biemann, "Chinese whispers: an efficient graph clustering algorithm", 2006, by
// dlib) on the graph that links two images where their distance is below `threshold`, the more the
// farther below. Equal seeds give equal clusters. A lone image is a cluster of one. Throws
// Error(bad_argument) where the threshold is not finite.
Clusters cluster_images(const Distances& distances, double threshold, uint64_t seed);

// How clusters agree with who is shown, over all pairs of images.
struct ClusterAgreement {
  size_t together = 0;  // pairs in one cluster
  size_t genuine = 0;   // pairs of one person
  size_t both = 0;      // pairs that are both
  // Of the pairs in one cluster those of one person; of the pairs of one person those in one
  // cluster; their harmonic mean. 1 where there are no such pairs.
  double precision = 1, recall = 1, f = 1;
};

// `identity_of` holds the person of each image. Throws Error(mismatch) where it has another length.
ClusterAgreement cluster_agreement(const Clusters& clusters, std::span<const uint32_t> identity_of);

}  // namespace doppel::internal
