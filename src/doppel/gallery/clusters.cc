#include "doppel/gallery/clusters.h"

#include <dlib/clustering/chinese_whispers.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

size_t pairs_of(size_t n) { return n < 2 ? 0 : n * (n - 1) / 2; }

}  // namespace

Clusters cluster_images(const Distances& distances, double threshold, uint64_t seed) {
  if (!std::isfinite(threshold)) {
    throw Error(ErrorKind::bad_argument, "clusters: a finite threshold was expected");
  }
  const size_t n = distances.images;
  Clusters clusters;
  if (n == 0) return clusters;
  std::vector<dlib::sample_pair> links;
  double largest = 0;  // how far below the threshold a distance lies at most
  for (const float distance : distances.values) {
    largest = std::max(largest, threshold - double{distance});
  }
  for (size_t a = 0; a < n; ++a) {
    // To itself without weight: so that an image without any other link is there, too.
    links.emplace_back(a, a, 0);
    for (size_t b = a + 1; b < n; ++b) {
      const double below = threshold - double{distances(a, b)};
      if (below > 0) links.emplace_back(a, b, below / largest);
    }
  }
  dlib::rand random(std::to_string(seed));
  std::vector<unsigned long> labels;
  constexpr unsigned long kRounds = 100;
  const size_t count = dlib::chinese_whispers(links, labels, kRounds, random);

  std::vector<size_t> sizes(count, 0), order(count);
  for (const unsigned long label : labels) ++sizes[label];
  std::iota(order.begin(), order.end(), 0);
  // dlib numbers labels as images meet them.
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](size_t label) { return sizes[label]; });
  std::vector<uint32_t> number(count);
  for (size_t i = 0; i < count; ++i) {
    number[order[i]] = static_cast<uint32_t>(i);
    clusters.sizes.push_back(sizes[order[i]]);
  }
  for (const unsigned long label : labels) clusters.of.push_back(number[label]);
  return clusters;
}

ClusterAgreement cluster_agreement(const Clusters& clusters,
                                   std::span<const uint32_t> identity_of) {
  if (identity_of.size() != clusters.of.size()) {
    throw Error(ErrorKind::mismatch, "clusters: those of " + std::to_string(clusters.of.size()) +
                                         " images for the persons of " +
                                         std::to_string(identity_of.size()));
  }
  std::map<uint32_t, size_t> of_person;
  std::map<std::pair<uint32_t, uint32_t>, size_t> of_both;
  for (size_t i = 0; i < identity_of.size(); ++i) {
    ++of_person[identity_of[i]];
    ++of_both[{identity_of[i], clusters.of[i]}];
  }
  ClusterAgreement agreement;
  for (const size_t size : clusters.sizes) agreement.together += pairs_of(size);
  for (const auto& [person, images] : of_person) agreement.genuine += pairs_of(images);
  for (const auto& [both, images] : of_both) agreement.both += pairs_of(images);
  const auto share = [&](size_t of) {
    return of == 0 ? 1 : static_cast<double>(agreement.both) / static_cast<double>(of);
  };
  agreement.precision = share(agreement.together);
  agreement.recall = share(agreement.genuine);
  const size_t sum = agreement.together + agreement.genuine;
  if (sum > 0) agreement.f = 2 * static_cast<double>(agreement.both) / static_cast<double>(sum);
  return agreement;
}

}  // namespace doppel::internal
