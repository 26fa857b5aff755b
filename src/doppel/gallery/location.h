// Where a gallery is: a file's path or a server's URL.
#pragma once

#include <string>

namespace doppel {

// Whether it is a server's, "postgresql://...".
bool is_server(const std::string& location);

// For messages: without the password that a URL may hold.
std::string shown_location(const std::string& location);

}  // namespace doppel
