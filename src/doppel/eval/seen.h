// Whom of a data set a model already knows: figures on such people say nothing of others.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/model/seen_people.h"

namespace doppel::internal {

struct SeenOverlap {
  // Names of the data set's identities, in its order, whose name the model knows or of whom it has
  // seen a picture under whatever name.
  std::vector<std::string> identities;
  std::vector<std::string> named;   // those of them whose name it knows: perhaps namesakes
  std::vector<std::string> images;  // Dataset::image_names of the pictures it has seen
  // Of those that look like a picture it has seen: encoded anew, resized, cropped a little.
  std::vector<std::string> look_alikes;

  bool empty() const { return identities.empty() && images.empty(); }
};
// Copies that were cropped are found where the data set was loaded with LoadOptions::framings.
// Throws as check_digests() does.
SeenOverlap seen_overlap(const SeenPeople& seen, const Dataset& dataset);

// Whether a picture, as perceptual_hashes() gives it, looks like one of those.
bool looks_seen(const SeenPeople& seen, std::span<const PerceptualHash> picture);

// {"identities": [..], "named": [..], "images": number, "look_alikes": [..]}.
nlohmann::json to_json(const SeenOverlap& overlap);

}  // namespace doppel::internal
