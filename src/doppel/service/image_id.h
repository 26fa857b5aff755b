// The numbers of a gallery's templates as the UUIDs by which clients know them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace doppel::internal {

// A UUID of version 8 (RFC 9562): its lower 62 bits are the number, the others come from the
// gallery's identity, so that another gallery's is not taken for one of this. `id` >= 0.
std::string image_id(const std::string& gallery_identity, int64_t id);

// Back. Nothing for what is no UUID, or another gallery's, or somebody else's.
std::optional<int64_t> template_of_image_id(const std::string& gallery_identity,
                                            const std::string& uuid);

// Whether it is written as one.
bool is_uuid(const std::string& text);

}  // namespace doppel::internal
