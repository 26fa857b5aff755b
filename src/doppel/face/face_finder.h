// A picture in, the faces in it out: dlib's frontal detector (histograms of gradients, Dalal and
// Triggs, 2005) and landmarks by an ensemble of regression trees (Kazemi and Sullivan, 2014).
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "doppel/face/five_points.h"
#include "doppel/face/found_face.h"
#include "doppel/image/image.h"

namespace doppel::internal {

// Whether this program was built with a detector (CMake's DOPPEL_DLIB).
bool can_find_faces();

class FaceFinder {
 public:
  // `landmarks`: a trained shape predictor of dlib with the 68 points of iBUG 300-W; left out, that
  // of Debian's libdlib-data. It is read at the first face, once for all finders of one file.
  // Throws Error(unavailable), which says how to build it, where this program has no detector.
  explicit FaceFinder(std::filesystem::path landmarks = {});
  // With five points of each face instead; null: as above.
  explicit FaceFinder(std::shared_ptr<const FivePointFinder> five_points);

  // The upright faces that look to the camera, half profiles included, the surest first. A picture
  // is searched with its border continued, so that a face may fill it; small ones are searched
  // larger, and large ones smaller, at about a megapixel: faces narrower than 80 pixels of that
  // are not found. Faces that the detector is not sure of (score below 0) are given only where
  // there are no others. Several threads may call this at once; the result does not depend on it.
  // Throws Error(bad_argument) for a picture without pixels, Error(io) or Error(bad_data) naming
  // the landmarks' file, and as face_detector() does.
  std::vector<FoundFace> find(const Image& image) const;

 private:
  std::filesystem::path landmarks_;
  std::shared_ptr<const FivePointFinder> five_points_;
};

}  // namespace doppel::internal
