#include "doppel/face/choose.h"

#include <algorithm>

#include "doppel/error.h"

namespace doppel::internal {

std::string to_string(FaceChoice choice) {
  switch (choice) {
    case FaceChoice::all:
      return "all";
    case FaceChoice::largest:
      return "largest";
    case FaceChoice::one:
      break;
  }
  return "one";
}

FaceChoice face_choice(const std::string& name) {
  for (const FaceChoice choice : {FaceChoice::all, FaceChoice::largest, FaceChoice::one}) {
    if (name == to_string(choice)) return choice;
  }
  throw Error(ErrorKind::bad_argument,
              "choice of faces: all, largest or one was expected, not " + name);
}

std::vector<FoundFace> choose_faces(std::vector<FoundFace> faces, FaceChoice choice,
                                    const std::string& name) {
  if (choice == FaceChoice::all) return faces;
  if (faces.empty()) {
    throw Error(ErrorKind::no_face,
                "no face was found in " + name +
                    ": this takes an upright face that looks to the camera, at least a tenth of "
                    "the picture's width; cut the picture to the face");
  }
  if (choice == FaceChoice::one && faces.size() > 1) {
    throw Error(ErrorKind::several_faces,
                std::to_string(faces.size()) + " faces were found in " + name +
                    ", one was expected: cut the picture to the one that is meant, or take the "
                    "largest of them");
  }
  const auto largest =
      std::max_element(faces.begin(), faces.end(), [](const FoundFace& a, const FoundFace& b) {
        return a.width * a.height < b.width * b.height;
      });
  return {*largest};
}

}  // namespace doppel::internal
