// dlib's face recognition network (D. King, "High Quality Face Recognition with Deep Metric
// Learning", 2017) as a graph: 29 convolutions in residual blocks (He et al., CVPR 2016), 150 x 150
// pixels in colours to 128 values.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "doppel/graph/graph.h"

namespace doppel::internal {

struct DlibNetwork {
  Graph graph;
  // What it takes of a sample v in 0 .. 255 is (v - mean) * scale, of R, G and B.
  std::array<float, 3> mean = {};
  float scale = 1.0f / 256;
};

// dlib_face_recognition_resnet_model_v1.dat, or one that was trained from other photos in the same
// form. The scale and shift that follow each convolution go into its weights. Throws
// Error(bad_data) that begins with `name` for anything else.
DlibNetwork read_dlib_network(std::string_view bytes, const std::string& name);

}  // namespace doppel::internal
