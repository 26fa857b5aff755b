#pragma once

namespace doppel {

// Of the library that is linked: "0.1.0". Before 1.0 a change of the second number may change any
// interface.
const char* version() noexcept;

}  // namespace doppel
