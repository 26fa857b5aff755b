// The faces found in a picture in, those that are meant out.
#pragma once

#include <string>
#include <vector>

#include "doppel/face/found_face.h"

namespace doppel::internal {

enum class FaceChoice { all, largest, one };
// "all", "largest", "one" and back. Throws Error(bad_argument) naming what was expected.
std::string to_string(FaceChoice choice);
FaceChoice face_choice(const std::string& name);

// all: every face, in their order, or none; largest: the one with the largest box, of equals the
// first; one: the only one. The latter two throw Error(no_face) that says `name`, the picture,
// where there is none, and `one` throws Error(several_faces) where there are several.
std::vector<FoundFace> choose_faces(std::vector<FoundFace> faces, FaceChoice choice,
                                    const std::string& name);

}  // namespace doppel::internal
