// Where a command that works for long will put what it makes.
#pragma once

#include <string>

namespace doppel::internal::app {

// Makes the folder of `path`. What cannot be written must show before the work, not after it:
// throws Error(io) where the folder cannot be made, Error(bad_argument) where `path` is a folder
// itself; both name the option.
void check_writable(const std::string& option, const std::string& path);

}  // namespace doppel::internal::app
