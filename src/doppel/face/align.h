// A picture and a face in it in, the face upright at a fixed place and size out: what a network of
// aligned faces takes.
#pragma once

#include "doppel/face/found_face.h"
#include "doppel/image/image.h"

namespace doppel::internal {

// Where the face's places shall be in a picture of this size; its proportions do not matter.
struct FacePlaces {
  Point left_eye, right_eye, mouth;
};
FacePlaces aligned_places(ImageSize size);

// Where the five points of a face shall be: as dlib's chips of faces have them, with a quarter of
// the face around it.
FivePoints aligned_five_points(ImageSize size);

// The face in a picture of `size`: the similarity (turn, scale, shift) that brings its eyes and its
// mouth to aligned_places(), or where it has five points, these to aligned_five_points(), with the
// least squared error, in pixels of the picture. Where it
// shrinks the picture, a new pixel is the mean over the area that it covers; where that is outside,
// the border is repeated. Colours are carried along. Throws Error(bad_argument) for a picture
// without pixels, a size outside size_limits.h, or a face whose places are all one or are no
// numbers.
Image align_face(const Image& image, const FoundFace& face, ImageSize size);

}  // namespace doppel::internal
