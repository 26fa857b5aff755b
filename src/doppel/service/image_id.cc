#include "doppel/service/image_id.h"

#include <charconv>
#include <cstdio>

#include "doppel/base/digest.h"

namespace doppel::internal {

std::string image_id(const std::string& gallery_identity, int64_t id) {
  const std::string digits = sha256_hex("image ids of " + gallery_identity);
  const uint64_t low = (uint64_t{2} << 62) | static_cast<uint64_t>(id);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(low));
  const std::string text = hex;
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-8" + digits.substr(12, 3) + "-" +
         text.substr(0, 4) + "-" + text.substr(4);
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::optional<int64_t> template_of_image_id(const std::string& gallery_identity,
                                            const std::string& uuid) {
  if (!is_uuid(uuid)) return {};
  const std::string digits = uuid.substr(19, 4) + uuid.substr(24);
  uint64_t low = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), low, 16);
  if (low >> 62 != 2) return {};
  const auto id = static_cast<int64_t>(low & ~(uint64_t{3} << 62));
  std::string lower = uuid;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  if (image_id(gallery_identity, id) != lower) return {};
  return id;
}

}  // namespace doppel::internal
