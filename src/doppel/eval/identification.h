// Identification (1:N): distances between images and the persons they show come in, how often the
// right person is found among N goes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/model/fusion.h"

namespace doppel::internal {

// The distance of two images, called by several threads at once; std::cref of Distances is one.
using ImageDistance = std::function<double(size_t a, size_t b)>;

struct Enrolment {
  size_t shots = 1;  // reference images of a person, >= 1
  Fusion fusion = Fusion::nearest;
};

// N-way k-shot recognition in closed set: everybody who is looked for is in the gallery.
struct Identification {
  // Cumulative match characteristic: [r - 1] is the share of probes whose person is among the r
  // nearest ones (ISO/IEC 19795-1). Of n persons equally near each place among them is equally
  // likely: an embedding that maps everything to one point scores chance.
  std::vector<double> rate_at_rank;
  size_t ways = 0;         // persons to choose from, the most over all rounds: the last rank
  size_t fewest_ways = 0;  // and the fewest
  size_t trials = 0;       // probes
  // For each person, by rising number: the rank-1 hits among its probes.
  std::vector<uint32_t> persons;
  std::vector<double> right;
  std::vector<size_t> trials_of;
};

// `identity_of` holds the person of each image (any numbers). In round j = 0, 1, ... the images j,
// j + 1, ... j + k - 1 of a person, beginning again at its first one, are its references, and its
// other images are probes. A person with j images or fewer takes no part in round j, one with fewer
// than k in none; a round with one person is none.
// Throws Error(bad_data) where fewer than two persons have k images or nobody has more.
Identification identify(std::span<const uint32_t> identity_of, const ImageDistance& distance,
                        const Enrolment& enrolment, ThreadPool& pool);

// Identification in open set: the searches of people who are in the enrolment, and of strangers.
struct OpenSet {
  std::vector<double> mated;     // distance to the own person; infinite where it is not the nearest
                                 // by itself, and no threshold helps
  std::vector<double> stranger;  // distance to the nearest person, who is always another
  size_t people = 0;             // enrolled, the most in a pass
};

// The persons, by rising number, alternate: those at even places are enrolled with their first k
// images, all their other images are searched, and all images of the persons between them as
// strangers. Then the two halves change roles, and the searches of both passes count together.
// Persons with fewer than k images are not enrolled. Throws Error(bad_data) where this makes no
// search of one of the two kinds.
OpenSet search_open_set(std::span<const uint32_t> identity_of, const ImageDistance& distance,
                        const Enrolment& enrolment, ThreadPool& pool);

// A search finds the nearest person where its distance < threshold (ISO/IEC 19795-1).
struct OpenSetPoint {
  double threshold = 0;
  double fpir = 0;       // false positive identification rate: strangers who find somebody
  double fnir = 0;       // false negative: enrolled ones who do not find themselves, at rank 1
  bool resolved = true;  // false where a wanted FPIR is below 1 / strangers
};
OpenSetPoint open_set_at(const OpenSet& searches, double threshold);
// At the highest threshold with FPIR <= fpir, midway to the next stranger. `fpir` in 0 .. 1.
OpenSetPoint open_set_at_fpir(const OpenSet& searches, double fpir);
// From the threshold that finds nobody to the one at which every stranger finds somebody: a point
// wherever the FPIR changes.
std::vector<OpenSetPoint> open_set_curve(const OpenSet& searches);

}  // namespace doppel::internal
