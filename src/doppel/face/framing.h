// The faces found in a few pictures of a data set in, whether aligning its faces helps out: it does
// where they lie here and there in the pictures, or are small in them.
#pragma once

#include <optional>
#include <span>

#include "doppel/face/found_face.h"
#include "doppel/image/image.h"

namespace doppel::internal {

struct FramedFace {
  FoundFace face;
  ImageSize picture;
};

struct Framing {
  size_t pictures = 0, faces = 0;
  // Of the faces, as pictures of one size would show them:
  double eyes_apart = 0;   // the median distance of the eyes, in parts of the width
  double eyes_astray = 0;  // how far eyes lie from their median places, in that distance: the mean
                           // over the nine tenths of faces that are nearest
};

// `found`: the face of each picture, or nothing where none was found.
Framing measure_framing(std::span<const std::optional<FramedFace>> found);

enum class FramingVerdict {
  few_faces,  // these are no photos of faces, or too few to tell
  alike,      // framed alike and closely, as networks like them
  astray,     // the faces lie at different places
  small,      // they fill little of the pictures
};
FramingVerdict judge(const Framing& framing);

// Where the line is: what lies further astray, or has its eyes nearer to each other, is to be
// aligned. Measured on pictures of 40 to 80 people, `eyes_astray` of 400 draws of 30 pictures each
// from the least to the greatest, `eyes_apart` on the average; with the EER in % that the
// histograms of gradients alone have in cross-validation, as they come and aligned:
//                                                  astray         apart    EER   aligned
//   AT&T faces                                     0.16 to 0.26   0.36     3.7   3.6
//   the same, turned by up to 15 degrees, scaled
//   by 0.8 to 1.26 and shifted by up to 15 %       0.33 to 0.54   0.36    25.3   6.3
//   so in half as large pictures again             0.33 to 0.56   0.24    16.2   3.8
//   half as much                                   0.21 to 0.35   0.36     9.5   4.1
//   LFW, grey crops of 92 x 112                    0.05 to 0.09   0.34    24.2  21.6
//   LFW, deep-funneled, 250 x 250                  0.05 to 0.09   0.16    33.5  20.6
// The AT&T faces are framed as closely as people do it who care.
inline constexpr double kMostAstray = 0.3;
inline constexpr double kLeastApart = 0.28;

}  // namespace doppel::internal
