#include "exit_code.h"

namespace doppel::internal::app {

ExitCode code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_argument:
      return kWrongUsage;
    case ErrorKind::no_face:
    case ErrorKind::several_faces:
    case ErrorKind::uncalibrated:
      return kUndecided;
    case ErrorKind::cancelled:
      return kInterrupted;
    case ErrorKind::io:
    case ErrorKind::bad_data:
    case ErrorKind::mismatch:
    case ErrorKind::numeric:
    case ErrorKind::unavailable:
    case ErrorKind::seen_people:
      break;
  }
  return kFailed;
}

}  // namespace doppel::internal::app
