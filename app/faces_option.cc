#include "faces_option.h"

#include <CLI/CLI.hpp>

#include "doppel/error.h"
#include "doppel/image/decode.h"

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
  return std::move(photos.of(load_image(path, photos.decoding()), choice, path).front().image);
}

}  // namespace doppel::internal::app
