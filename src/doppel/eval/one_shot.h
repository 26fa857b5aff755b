// N-way one-shot recognition: one reference image per person, every other image is to be named.
// Takes embeddings and their identities; gives the figure that eval and crossval print.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/eval/identification.h"

namespace doppel::internal {

struct OneShot {
  double accuracy = 0;     // over all trials
  size_t ways = 0;         // persons to choose from, the most over all rounds
  size_t fewest_ways = 0;  // and the fewest: smaller where persons have unequal numbers of images
  size_t trials = 0;
};

// What identify() gives with a single reference image per person.
OneShot one_shot(const Identification& recognition);

// `embeddings` holds one row per image, `identity_of` its person (any numbers). In round j the j-th
// image of each person is its only reference, every other image of these persons is a probe, and
// the nearest reference (Euclidean) names it. A person with fewer images takes no part in the
// rounds beyond them; a round with one person left is no trial. Where n references are equally near
// and the right one is among them, the probe counts 1/n: an embedding that maps everything to one
// point scores chance, whatever the order of the people.
// Throws Error(mismatch) where the numbers of rows differ, Error(numeric) where an embedding is not
// finite, Error(bad_data) where there are fewer than two persons or nobody has two images.
OneShot one_shot(const Matrix& embeddings, std::span<const uint32_t> identity_of);

}  // namespace doppel::internal
