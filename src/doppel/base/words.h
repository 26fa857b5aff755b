// Numbers and names as messages say them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace doppel::internal {

// "1 image", "2 images", "0 identities", "2 people".
std::string plural(size_t count, std::string thing);

// "s1, s2 and s3"; "s1, s2, s3, s4, s5 and 4 more".
std::string enumerated(const std::vector<std::string>& names);

}  // namespace doppel::internal
