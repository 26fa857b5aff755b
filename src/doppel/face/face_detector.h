// The library that finds faces with dlib (libdoppel_faces.so), loaded when it is first needed: what
// dlib links to would cost every start of the program more than most commands take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace doppel::internal {

// 8-bit grey values, row by row without gaps.
struct GreyPixels {
  long width = 0, height = 0;
  std::vector<uint8_t> values;
};

// In whole pixels.
struct DetectedFace {
  struct Place {
    long x = 0, y = 0;
  };
  static constexpr size_t kLandmarks = 68;  // iBUG 300-W

  long left = 0, top = 0, width = 0, height = 0;
  double score = 0;
  std::vector<Place> landmarks = {};  // kLandmarks, where they were asked for
};

class FaceDetector {
 public:
  virtual ~FaceDetector() = default;
  // Faces with at least this score, the surest first; where some have a score of 0 and more, these
  // alone. `landmarks`: the file of a shape predictor of dlib with 68 points, read once for the
  // whole process; empty: landmarks are not wanted. Several threads may call this at once. Throws
  // Error(io) or Error(bad_data) naming that file.
  virtual std::vector<DetectedFace> find(const GreyPixels& pixels, double least_score,
                                         const std::filesystem::path& landmarks) const = 0;
};

// Throws as side_library_entry() does.
const FaceDetector& face_detector();

}  // namespace doppel::internal
