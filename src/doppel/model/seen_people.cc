#include "doppel/model/seen_people.h"

#include <algorithm>
#include <utility>

#include "doppel/base/digest.h"
#include "doppel/base/error.h"

namespace doppel {
namespace {

using nlohmann::json;

void make_set(std::vector<std::string>& digests) {
  std::ranges::sort(digests);
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
}

bool is_digest(const json& value) {
  return value.is_string() && is_digest_hex(value.get_ref<const std::string&>());
}

}  // namespace

SeenPeople remember(const Dataset& dataset) {
  if (dataset.image_names.size() != dataset.image_digests.size()) {
    throw Error(ErrorKind::mismatch,
                dataset.source + ": " + std::to_string(dataset.image_digests.size()) +
                    " digests for " + std::to_string(dataset.image_names.size()) + " images");
  }
  SeenPeople seen;
  for (const Identity& identity : dataset.identities) {
    seen.identities.push_back(sha256_hex(identity.name));
  }
  seen.images = dataset.image_digests;
  make_set(seen.identities);
  make_set(seen.images);
  return seen;
}

SeenPeople joined(const SeenPeople& a, const SeenPeople& b) {
  SeenPeople both = a;
  both.identities.insert(both.identities.end(), b.identities.begin(), b.identities.end());
  both.images.insert(both.images.end(), b.images.begin(), b.images.end());
  make_set(both.identities);
  make_set(both.images);
  return both;
}

nlohmann::json to_json(const SeenPeople& seen) {
  return {{"identities", seen.identities}, {"images", seen.images}};
}

SeenPeople seen_people_from_json(const nlohmann::json& value, const std::string& where) {
  SeenPeople seen;
  for (const auto& [field, digests] :
       {std::pair{"identities", &seen.identities}, {"images", &seen.images}}) {
    if (!value.is_object() || !value.contains(field) || !value[field].is_array() ||
        !std::ranges::all_of(value[field], is_digest)) {
      throw Error(ErrorKind::bad_data,
                  where + ": seen: its \"" + field + "\" are no list of digests");
    }
    *digests = value[field].get<std::vector<std::string>>();
    make_set(*digests);
  }
  return seen;
}

}  // namespace doppel
