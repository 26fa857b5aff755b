// Five places of a face, from its box: the corners of both eyes and the base of the nose, by an
// ensemble of regression trees (Kazemi and Sullivan, "One Millisecond Face Alignment with an
// Ensemble of Regression Trees", CVPR 2014), as dlib trains and stores it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/face/face_detector.h"
#include "doppel/face/found_face.h"

namespace doppel::internal {

// What the trees hold, stage after stage. Coordinates are in parts of the face's box.
struct FivePointTrees {
  size_t stages = 0, trees = 0, splits = 0, pixels = 0;  // splits: of a tree; one less than leaves
  std::vector<float> start;                              // [5][2]: the mean face
  // Of each stage, the pixels that its trees compare: near which point, and where from there.
  std::vector<float> anchors;  // [stages][pixels]
  std::vector<float> offsets;  // [stages][pixels][2]
  // A split goes to its first child where pixel a minus pixel b is above the threshold.
  std::vector<float> compared;    // [stages][trees][splits][2]
  std::vector<float> thresholds;  // [stages][trees][splits]
  std::vector<float> leaves;      // [stages][trees][splits + 1][5][2]
};

// shape_predictor_5_face_landmarks.dat, or another of five points. Throws Error(bad_data) that
// begins with `name` for anything else.
FivePointTrees read_dlib_five_points(std::string_view bytes, const std::string& name);

// Immutable; several threads may use one at the same time.
class FivePointFinder {
 public:
  // Throws Error(bad_data) where the parts do not fit each other: sizes, pixels and points that
  // there are not, trees that are not full.
  explicit FivePointFinder(FivePointTrees trees);

  const FivePointTrees& trees() const { return trees_; }

  // Of the face in this box, in pixels from the middle of the first one.
  FivePoints find(const GreyPixels& pixels, const DetectedFace& box) const;

 private:
  FivePointTrees trees_;
};

}  // namespace doppel::internal
