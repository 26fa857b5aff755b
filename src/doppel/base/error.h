// The one exception type of the library: every bad input, file or state arrives here as a kind and
// one sentence that names the file or field, what was expected and what came.
#pragma once

#include <stdexcept>
#include <string>

#include "doppel/base/credentials.h"

namespace doppel {

enum class ErrorKind {
  bad_argument,  // a setting outside its range, an option that names nothing
  io,            // a file or folder that cannot be read or written
  bad_data,      // a file whose bytes are not what its format demands
  mismatch,      // two things, each right by itself, that do not belong together
  numeric,       // training left the numbers: a loss that is not finite
};

class Error : public std::runtime_error {
 public:
  // The message is kept without the passwords of URLs that may be in it: paths and arguments are
  // repeated in messages, and a URL may stand where a path was expected.
  Error(ErrorKind kind, const std::string& message)
      : std::runtime_error(without_credentials(message)), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace doppel
