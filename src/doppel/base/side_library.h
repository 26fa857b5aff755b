// Libraries of ours that are loaded when what they do is first asked for: what they link to would
// cost every start of the program more than most commands take.
#pragma once

#include <string>

namespace doppel {

// The address of `entry`, a C function, in lib<name>.so: from the folder of the running program,
// from ../lib/doppel beside that or, where these have none, from where it was built. What it gives
// may live to the end of the program: the library is never closed. Throws Error(io) that begins
// with `purpose` where the library is in none of them or what it needs is not installed.
void* side_library_entry(const std::string& name, const std::string& entry,
                         const std::string& purpose);

}  // namespace doppel
