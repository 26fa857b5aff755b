// Whether a host is this machine alone.
#pragma once

#include <string>

namespace doppel::internal {

// "localhost", "::1", "[::1]" and 127.0.0.0/8 in dotted form.
bool is_loopback(const std::string& host);

}  // namespace doppel::internal
