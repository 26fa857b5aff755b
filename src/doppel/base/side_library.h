// Libraries of ours that are loaded when what they do is first asked for: what they link to would
// cost every start of the program more than most commands take.
#pragma once

#include <string>

namespace doppel::internal {

// The address of `entry`, a C function, in lib<name>.so. That is sought beside the code that asks
// (the program, or the shared library that this is linked into), then as the dynamic loader does,
// which goes by that code's RUNPATH. What it gives may live to the end of the process: the library
// is never closed. Throws Error(unavailable) that begins with `purpose` where it is not found,
// where what it needs is not installed, and where it is of another version than this code.
void* side_library_entry(const std::string& name, const std::string& entry,
                         const std::string& purpose);

}  // namespace doppel::internal
