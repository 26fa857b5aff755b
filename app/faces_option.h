// The option that says which of a photo's faces are meant.
#pragma once

#include <string>

#include "doppel/face/choose.h"

namespace CLI {
class App;
}

namespace doppel::app {

// --faces one|largest, for commands that take one face of each photo.
void add_faces_option(CLI::App& command, std::string& faces);

// What it says. Throws Error(bad_argument).
FaceChoice single_face_choice(const std::string& faces);

}  // namespace doppel::app
