#include "doppel/error.h"

#include "doppel/base/credentials.h"

namespace doppel {

Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(internal::without_credentials(message)), kind_(kind) {}

}  // namespace doppel
