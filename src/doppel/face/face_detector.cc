#include "doppel/face/face_detector.h"

#include "doppel/base/side_library.h"

namespace doppel::internal {

const FaceDetector& face_detector() {
  using Entry = const FaceDetector* (*)();
  static const auto entry = reinterpret_cast<Entry>(
      side_library_entry("doppel_faces", "doppel_face_detector", "Finding faces"));
  return *entry();
}

}  // namespace doppel::internal
