#include "doppel/base/error.h"

namespace doppel {

const char* error_kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_argument:
      return "bad_argument";
    case ErrorKind::io:
      return "io";
    case ErrorKind::bad_data:
      return "bad_data";
    case ErrorKind::mismatch:
      return "mismatch";
    case ErrorKind::numeric:
      return "numeric";
  }
  return "unknown";
}

}  // namespace doppel
