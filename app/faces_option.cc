#include "faces_option.h"

#include <CLI/CLI.hpp>

#include "doppel/error.h"
#include "doppel/image/decode.h"
#include "exit_code.h"

namespace doppel::internal::app {

void add_faces_option(CLI::App& command, std::string& faces) {
  command
      .add_option("--faces", faces,
                  "Of a model of aligned faces: a photo must show one face, or the largest is "
                  "taken: one, largest")
      ->capture_default_str();
}

FaceChoice single_face_choice(const std::string& faces) {
  if (faces != "one" && faces != "largest") {
    throw Error(ErrorKind::bad_argument, "--faces: one or largest was expected, not " + faces);
  }
  return face_choice(faces);
}

Image face_of(const PhotoFaces& photos, FaceChoice choice, const std::string& path) {
  const Image photo = load_image(path, photos.decoding());
  try {
    return std::move(photos.of(photo, choice, path).front().image);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::mismatch) throw;
    throw Exit{kUndecided, error.what()};
  }
}

}  // namespace doppel::internal::app
