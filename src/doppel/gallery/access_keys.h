// Who may use a gallery's service: the keys that its clients present, kept in the gallery as
// hashes. What a key opens is its role's matter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

class Gallery;

enum class Role {
  recognise,  // may ask who somebody is
  admin,      // may also change who is known, and see what is stored
};
std::string to_string(Role role);
// Throws Error(bad_argument) that begins with `where` for another word than "recognise" or "admin".
Role role_named(const std::string& text, const std::string& where);

struct AccessKey {
  std::string id;     // eight hexadecimal digits, to name it by
  std::string label;  // whose it is; may be empty
  Role role = Role::recognise;
  std::string added;  // "2026-05-17T09:30:00Z"
  // BLAKE2b of the key's text. A key is 122 random bits, which nobody finds by trying, so it needs
  // no slow hash as a password would.
  std::string hash;
};

// As a gallery stores them. Reading throws Error(bad_data) where they are damaged; "" are none.
std::string access_keys_text(const std::vector<AccessKey>& keys);
std::vector<AccessKey> access_keys_from_text(const std::string& text, const std::string& where);

// Adds one to the gallery's and gives its text, a random UUID (RFC 9562, version 4), which is
// stored nowhere. Throws Error(bad_argument) for a label that check_name() would refuse.
std::string add_access_key(Gallery& gallery, Role role, const std::string& label);

// Throws Error(bad_argument) where there is none of that id.
void revoke_access_key(Gallery& gallery, const std::string& id);

// Of the keys, the one whose text was presented; null where none is. Takes the same time whichever
// it is.
const AccessKey* find_access_key(const std::vector<AccessKey>& keys, std::string_view text);

}  // namespace doppel::internal
