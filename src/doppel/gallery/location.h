// Where a gallery is: a file's path or a server's URL.
#pragma once

#include <string>

namespace doppel::internal {

// Whether it is a server's, "postgresql://...". Throws Error(bad_argument) for what means a server
// in another way, such as "mysql://..." or "host=db user=ada"; as a file it would be a surprise. A
// file of such a name is "./mysql:...".
bool is_server(const std::string& location);

// For messages: without the password that it may hold, whichever way it means a server. Throws
// Error(io) where it is a URL and the library for it is not installed.
std::string shown_location(const std::string& location);

}  // namespace doppel::internal
