#include "doppel/model/seen_people.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "doppel/base/digest.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

template <typename Digest>
void make_set(std::vector<Digest>& digests) {
  std::ranges::sort(digests);
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
}

bool is_digest(const json& value) {
  return value.is_string() && is_digest_hex(value.get_ref<const std::string&>());
}

void read_hashes(const JsonObject& object, SeenPeople& seen) {
  seen.unhashed = seen.images.size();
  if (!object.has("hashes")) return;
  for (const json& text : object.list("hashes")) {
    const std::optional<PerceptualHash> hash =
        text.is_string() ? perceptual_hash_from_hex(text.get_ref<const std::string&>())
                         : std::nullopt;
    if (!hash) object.refuse("hashes", "a list of perceptual hashes");
    seen.hashes.push_back(*hash);
  }
  make_set(seen.hashes);
  seen.unhashed =
      object.has("unhashed") ? object.whole_number("unhashed", 0, seen.images.size()) : 0;
}

}  // namespace

void check_digests(const Dataset& dataset) {
  for (const size_t digests : {dataset.image_digests.size(), dataset.image_hashes.size()}) {
    if (digests == dataset.image_names.size()) continue;
    throw Error(ErrorKind::mismatch, dataset.source + ": " + std::to_string(digests) +
                                         " digests for " +
                                         std::to_string(dataset.image_names.size()) + " images");
  }
}

SeenPeople remember(const Dataset& dataset) {
  check_digests(dataset);
  SeenPeople seen;
  for (const Identity& identity : dataset.identities) {
    seen.identities.push_back(sha256_hex(identity.name));
  }
  seen.images = dataset.image_digests;
  for (const std::vector<PerceptualHash>& hashes : dataset.image_hashes) {
    if (!hashes.empty()) seen.hashes.push_back(hashes.front());
  }
  make_set(seen.identities);
  make_set(seen.images);
  make_set(seen.hashes);
  return seen;
}

SeenPeople joined(const SeenPeople& a, const SeenPeople& b) {
  SeenPeople both = a;
  both.identities.insert(both.identities.end(), b.identities.begin(), b.identities.end());
  both.images.insert(both.images.end(), b.images.begin(), b.images.end());
  both.hashes.insert(both.hashes.end(), b.hashes.begin(), b.hashes.end());
  make_set(both.identities);
  make_set(both.images);
  make_set(both.hashes);
  both.unhashed = std::min(a.unhashed + b.unhashed, both.images.size());
  return both;
}

nlohmann::json to_json(const SeenPeople& seen) {
  json value = {{"identities", seen.identities}, {"images", seen.images}};
  if (seen.hashes.empty() && seen.unhashed == seen.images.size()) return value;
  json& hashes = value["hashes"] = json::array();
  for (const PerceptualHash& hash : seen.hashes) hashes.push_back(to_hex(hash));
  if (seen.unhashed > 0) value["unhashed"] = seen.unhashed;
  return value;
}

SeenPeople seen_people_from_json(const nlohmann::json& value, const std::string& where) {
  const JsonObject object(value, std::string(where).append(": seen"));
  SeenPeople seen;
  for (const auto& [field, digests] :
       {std::pair{"identities", &seen.identities}, {"images", &seen.images}}) {
    const json& listed = object.list(field);
    if (!std::ranges::all_of(listed, is_digest)) object.refuse(field, "a list of digests");
    *digests = listed.get<std::vector<std::string>>();
    make_set(*digests);
  }
  read_hashes(object, seen);
  return seen;
}

}  // namespace doppel::internal
