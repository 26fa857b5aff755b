#include "doppel/version.h"

namespace doppel {

const char* version() noexcept { return DOPPEL_VERSION; }

}  // namespace doppel
