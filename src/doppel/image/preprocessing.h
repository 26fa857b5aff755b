// From a picture to a network's input: every picture is brought to one size, then thinned out. What
// was done in training is stored in the model and done again with every probe.
#pragma once

#include <cstddef>
#include <span>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"

namespace doppel::internal {

// Pictures become width x height (resized where they are not), then every subsampling-th row and
// column from index 0 is kept: image[::n, ::n]. Values stay in [0, 1], unless standardize()
// follows.
struct Preprocessing {
  int width = 92;
  int height = 112;
  int subsampling = 2;
  bool standardize = false;  // each input, as its last step: doppel::internal::standardize()
  // Pictures are aligned faces (face/align.h) of width x height. preprocess() leaves finding them
  // to whoever loads the pictures: load_dataset() by its options, or PhotoFaces.
  bool align = false;

  size_t input_height() const {
    return static_cast<size_t>((height + subsampling - 1) / subsampling);
  }
  size_t input_width() const {
    return static_cast<size_t>((width + subsampling - 1) / subsampling);
  }
};

// The values minus their mean, divided by their standard deviation (that of all of them, over n),
// so that brightness and contrast of a picture do not count. Zeros where the deviation is below
// 1e-5, a 16-bit level: a picture of one grey has no contrast to bring up, rounding errors would
// be.
void standardize(std::span<float> values);

// One row of input_height x input_width values (row by row) for each image; with a pool, by its
// threads, whose number changes nothing.
Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing);
Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing,
                  ThreadPool& pool);

}  // namespace doppel::internal
