// A face in a picture: where it is, and the places of it that an alignment goes by.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace doppel::internal {

// In pixels of the picture, from its upper left corner: the first pixel's middle is (0.5, 0.5).
struct Point {
  double x = 0, y = 0;
};

inline constexpr size_t kFivePoints = 5;
// The outer and the inner corner of the eye further right in the picture, of the eye further left,
// and the base of the nose.
using FivePoints = std::array<Point, kFivePoints>;

struct FoundFace {
  double left = 0, top = 0, width = 0, height = 0;  // the box, from the brows to the chin
  double score = 0;  // how sure the detector is: above 0 it is, below it takes what is there
  // Of the picture, not of the person: left_eye is the one further left where the face is upright.
  Point left_eye, right_eye;  // middles of the lids' outlines
  Point mouth;                // middle of the lips' outline
  // Where a model is aligned by them; eyes and mouth are then where these points have them on the
  // average.
  std::optional<FivePoints> five_points = {};

  // All of these, to move them.
  std::vector<Point*> places() {
    std::vector<Point*> all = {&left_eye, &right_eye, &mouth};
    if (five_points) {
      for (Point& point : *five_points) all.push_back(&point);
    }
    return all;
  }
};

}  // namespace doppel::internal
