// Who a model was made from: digests of people and pictures, kept in the model file, so that an
// evaluation can tell who is no stranger to it (eval/seen.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/data/dataset.h"

namespace doppel {

// Digests as 64 hexadecimal digits, rising, each once. The names themselves are not kept.
struct SeenPeople {
  std::vector<std::string> identities;  // of Identity::name
  std::vector<std::string> images;      // Dataset::image_digests

  friend bool operator==(const SeenPeople&, const SeenPeople&) = default;
};

// What a model made from `dataset` remembers. Throws Error(mismatch) where Dataset::image_digests
// holds another number of digests than there are images.
SeenPeople remember(const Dataset& dataset);

// What both have seen.
SeenPeople joined(const SeenPeople& a, const SeenPeople& b);

// {"identities": [..], "images": [..]}.
nlohmann::json to_json(const SeenPeople& seen);
// Throws Error(bad_data) that begins with `where` for anything else.
SeenPeople seen_people_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel
