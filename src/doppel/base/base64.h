// Bytes as a text of base64 (RFC 4648, with padding) and back, through libsodium.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace doppel::internal {

std::string to_base64(std::string_view bytes);
// Nothing where `text` is no base64, or has anything behind it.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace doppel::internal
