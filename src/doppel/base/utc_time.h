// The time of day as texts carry it.
#pragma once

#include <string>

namespace doppel::internal {

// Now, in UTC, to the second (ISO 8601): "2026-05-17T09:30:00Z".
std::string utc_time();

}  // namespace doppel::internal
