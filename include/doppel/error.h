// The one exception type of the library: every bad input, file or state arrives as a kind and one
// sentence that names the file or field, what was expected and what came.
#pragma once

#include <stdexcept>
#include <string>

namespace doppel {

enum class ErrorKind {
  bad_argument,   // a setting outside its range, an option that names nothing
  io,             // a file or folder that cannot be read or written
  bad_data,       // a file whose bytes are not what its format demands
  mismatch,       // two things, each right by itself, that do not belong together
  numeric,        // values that are no numbers any more: a loss or an embedding that is not finite
  uncalibrated,   // a decision was asked for, and nothing says from which distance on
  unavailable,    // a part of the program that is not installed, or that this build has not
  no_face,        // a photo without a face, where one was expected
  several_faces,  // a photo with several faces, where one was expected
  seen_people,    // people whom the model knows, where only strangers tell what it is worth
  cancelled,      // work that its caller asked to stop
};

// Public functions throw this, std::bad_alloc, or what a callback threw.
class Error : public std::runtime_error {
 public:
  // The message is kept without the passwords of URLs that may be in it: paths and arguments are
  // repeated in messages, and a URL may stand where a path was expected.
  Error(ErrorKind kind, const std::string& message);
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace doppel
