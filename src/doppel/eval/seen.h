// Whom of a data set a model already knows: figures on such people say nothing of others.
#pragma once

#include <string>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/model/seen_people.h"

namespace doppel {

struct SeenOverlap {
  // Names of the data set's identities, in its order, whose name the model knows or of whom it has
  // seen a picture under whatever name.
  std::vector<std::string> identities;
  std::vector<std::string> images;  // Dataset::image_names of the pictures it has seen

  bool empty() const { return identities.empty() && images.empty(); }
};
// Throws Error(mismatch) where Dataset::image_digests holds another number of digests than there
// are images.
SeenOverlap seen_overlap(const SeenPeople& seen, const Dataset& dataset);

}  // namespace doppel
