#include "doppel/model/seen_people.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "doppel/base/digest.h"
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

void read_hashes(const json& value, const std::string& where, SeenPeople& seen) {
  seen.unhashed = seen.images.size();
  if (!value.contains("hashes")) return;
  const auto fail = [&](const char* what) {
    throw Error(ErrorKind::bad_data, where + ": seen: its " + what);
  };
  if (!value["hashes"].is_array()) fail("\"hashes\" are no list of perceptual hashes");
  for (const json& text : value["hashes"]) {
    const std::optional<PerceptualHash> hash =
        text.is_string() ? perceptual_hash_from_hex(text.get_ref<const std::string&>())
                         : std::nullopt;
    if (!hash) fail("\"hashes\" are no list of perceptual hashes");
    seen.hashes.push_back(*hash);
  }
  make_set(seen.hashes);
  const json unhashed = value.value("unhashed", json(0u));
  if (!unhashed.is_number_unsigned() || unhashed.get<uint64_t>() > seen.images.size()) {
    fail("\"unhashed\" is no number of its images");
  }
  seen.unhashed = unhashed.get<size_t>();
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
  read_hashes(value, where, seen);
  return seen;
}

}  // namespace doppel::internal
