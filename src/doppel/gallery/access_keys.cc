#include "doppel/gallery/access_keys.h"

#include <sodium.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "doppel/base/digest.h"
#include "doppel/base/json_object.h"
#include "doppel/base/utc_time.h"
#include "doppel/error.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/person_name.h"

namespace doppel::internal {
namespace {

constexpr size_t kIdDigits = 8;

std::string hash_of(std::string_view key) {
  Blake2b hash;
  hash.add("doppel access key ");
  hash.add(key);
  return hash.hex();
}

std::string random_uuid() {
  unsigned char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  char hex[2 * sizeof bytes + 1];
  const std::string digits = sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
         digits.substr(16, 4) + "-" + digits.substr(20);
}

}  // namespace

std::string to_string(Role role) { return role == Role::admin ? "admin" : "recognise"; }

Role role_named(const std::string& text, const std::string& where) {
  if (text == "admin") return Role::admin;
  if (text == "recognise") return Role::recognise;
  throw Error(ErrorKind::bad_argument,
              where + ": admin or recognise was expected, not \"" + shown(text) + "\"");
}

std::string access_keys_text(const std::vector<AccessKey>& keys) {
  nlohmann::json listed = nlohmann::json::array();
  for (const AccessKey& key : keys) {
    listed.push_back({{"id", key.id},
                      {"label", key.label},
                      {"role", to_string(key.role)},
                      {"added", key.added},
                      {"hash", key.hash}});
  }
  return listed.dump();
}

std::vector<AccessKey> access_keys_from_text(const std::string& text, const std::string& where) {
  std::vector<AccessKey> keys;
  if (text.empty()) return keys;
  const std::string damaged = where + ": its access keys are damaged";
  const nlohmann::json listed = parse_json(text, damaged);
  if (!listed.is_array()) throw Error(ErrorKind::bad_data, damaged);
  for (const nlohmann::json& entry : listed) {
    const JsonObject key(entry, damaged);
    const std::string& role = key.text("role");
    if (role != "admin" && role != "recognise") key.refuse("role", "admin or recognise");
    if (!is_digest_hex(key.text("hash"))) key.refuse("hash", "a digest");
    keys.push_back({key.text("id"), key.text("label"), role_named(role, damaged), key.text("added"),
                    key.text("hash")});
  }
  return keys;
}

std::string add_access_key(Gallery& gallery, Role role, const std::string& label) {
  if (!label.empty()) check_name(label, "label");
  std::string key = random_uuid();
  const std::string hash = hash_of(key);
  gallery.change_access_keys([&](std::vector<AccessKey>& keys) {
    keys.push_back({hash.substr(0, kIdDigits), label, role, utc_time(), hash});
  });
  return key;
}

void revoke_access_key(Gallery& gallery, const std::string& id) {
  gallery.change_access_keys([&](std::vector<AccessKey>& keys) {
    if (std::erase_if(keys, [&](const AccessKey& key) { return key.id == id; }) == 0) {
      throw Error(ErrorKind::bad_argument,
                  gallery.name() + ": it has no access key \"" + shown(id) + "\"");
    }
  });
}

const AccessKey* find_access_key(const std::vector<AccessKey>& keys, std::string_view text) {
  const std::string hash = hash_of(text);
  const AccessKey* found = nullptr;
  for (const AccessKey& key : keys) {
    if (sodium_memcmp(key.hash.data(), hash.data(), hash.size()) == 0) found = &key;
  }
  return found;
}

}  // namespace doppel::internal
