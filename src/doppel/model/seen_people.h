// Who a model was made from: digests of people and pictures, kept in the model file, so that an
// evaluation can tell who is no stranger to it (eval/seen.h).
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/image/perceptual_hash.h"

namespace doppel::internal {

// Digests as 64 hexadecimal digits, rising, each once. The names themselves are not kept.
struct SeenPeople {
  std::vector<std::string> identities;      // of Identity::name
  std::vector<std::string> images;          // Dataset::image_digests
  std::vector<PerceptualHash> hashes = {};  // of these images, where they have one; rising
  size_t unhashed = 0;  // images of which none was made: in files of before there were hashes

  friend bool operator==(const SeenPeople&, const SeenPeople&) = default;
};

// Throws Error(mismatch) where the data set has not one of Dataset::image_digests and image_hashes
// for each of its images.
void check_digests(const Dataset& dataset);

// What a model made from `dataset` remembers. Throws as check_digests() does.
SeenPeople remember(const Dataset& dataset);

// What both have seen.
SeenPeople joined(const SeenPeople& a, const SeenPeople& b);

// {"identities": [..], "images": [..], "hashes": [..], "unhashed": number}; without the latter
// where it is 0, without both where no image was hashed.
nlohmann::json to_json(const SeenPeople& seen);
// Throws Error(bad_data) that begins with `where` for anything else.
SeenPeople seen_people_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
