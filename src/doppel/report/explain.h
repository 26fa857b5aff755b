// Why two faces are alike or different for a model: two images come in, maps of which regions bring
// them together or apart go out, and a picture of both.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/image/image.h"
#include "doppel/model/model.h"

namespace doppel::internal {

// The patch that hides a part of an image, in pixels of the size that the model takes
// (Preprocessing::width x height).
struct Occlusion {
  int side = 0;    // 0: a sixth of the image's shorter side
  int stride = 0;  // from place to place; 0: a third of the patch
};

struct ExplainedImage {
  Image image;  // as it came
  // Preprocessing::height x width. How much the distance to the other image grows where a pixel is
  // hidden: the mean over the patches that cover it. Above 0, the pixel makes the two alike; below,
  // different.
  Matrix heat;
};

struct Explanation {
  double distance = 0;  // of the whole images
  std::array<ExplainedImage, 2> sides;
};

// Occlusion sensitivity (Zeiler and Fergus: Visualizing and understanding convolutional networks,
// ECCV 2014): a patch of the image's mean grey slides over one image while the other stays as it
// is, then the other way round. The places lie `stride` apart, the last ones at the lower and right
// border. The result does not depend on the pool's threads. Throws Error(bad_argument) for a patch
// larger than the image or a stride that leaves gaps, and as embed_images() and energy_of() do.
Explanation explain(const Model& model, const Image& a, const Image& b, const Occlusion& occlusion,
                    ThreadPool& pool);

// Both images side by side in the model's proportions with their heat, and a scale: blue makes
// alike, orange different; one scale for both. `captions` stand under the two, `verdict` at the
// top.
RgbImage draw_explanation(const Explanation& explanation,
                          const std::array<std::string, 2>& captions, const std::string& verdict);

}  // namespace doppel::internal
