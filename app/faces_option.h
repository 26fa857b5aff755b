// The option that says which of a photo's faces are meant.
#pragma once

#include <string>

#include "doppel/face/choose.h"
#include "doppel/image/image.h"
#include "doppel/model/photo_faces.h"

namespace CLI {
class App;
}

namespace doppel::internal::app {

// --faces one|largest, for commands that take one face of each photo.
void add_faces_option(CLI::App& command, std::string& faces);

// What it says. Throws Error(bad_argument).
FaceChoice single_face_choice(const std::string& faces);

// The one face of a photo, for embed_images(). Throws as load_image() and PhotoFaces::of() do.
Image face_of(const PhotoFaces& photos, FaceChoice choice, const std::string& path);

}  // namespace doppel::internal::app
