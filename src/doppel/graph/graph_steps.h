// The steps that a graph is computed in: an operator, perhaps with a sum and a rectifier behind it.
// Inside graph/.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "doppel/base/aligned.h"
#include "doppel/graph/graph.h"

namespace doppel::internal {

// How a value of one image lies in memory: [row][column][channel] within a frame of zeros, which is
// what convolutions read around it.
struct ValueLayout {
  size_t channels = 0, height = 0, width = 0;
  size_t pixel = 0;                // floats from a pixel to the next one
  size_t frame = 0;                // rows above and columns left of it
  size_t below = 0, right_of = 0;  // rows and columns on the other sides

  size_t row() const { return (frame + width + right_of) * pixel; }
  size_t size() const { return (frame + height + below) * row(); }
  size_t origin() const { return frame * (row() + pixel); }

  friend bool operator<(const ValueLayout& a, const ValueLayout& b) {
    const auto all = [](const ValueLayout& v) {
      return std::tuple(v.channels, v.height, v.width, v.pixel, v.frame, v.below, v.right_of);
    };
    return all(a) < all(b);
  }
};

// The memory that a task computes in.
struct GraphMemory {
  // Of each value: where its first image lies, and how many floats behind it the next one; 0 where
  // a value is kept of one image alone.
  std::vector<float*> values;
  std::vector<size_t> next_image;
  AlignedArray<float> scratch;
  std::vector<const float*> from, beside;
  std::vector<float*> to;

  float* at(size_t value, size_t image) const { return values[value] + image * next_image[value]; }
};

class GraphStep {
 public:
  virtual ~GraphStep() = default;
  // Of images first .. first + count - 1.
  virtual void run(const std::vector<ValueLayout>& layouts, GraphMemory& memory, size_t first,
                   size_t count) const = 0;
  virtual size_t weight_floats() const { return 0; }
  virtual size_t scratch_floats() const { return 0; }

  std::vector<size_t> reads;  // values
  size_t writes = 0;
};

// What is done with a result before it is stored.
struct Finish {
  std::optional<size_t> skip;  // a value that is added; it has the result's shape
  bool relu = false;           // then max(.., 0)
};

// Whether a convolution is computed by Winograd's filtering: the shape alone decides.
bool takes_winograd(const Convolution& convolution, const Shape& output);

// `in` and `out` are the values' shapes; `input_pixel` the floats of an input's pixel.
std::unique_ptr<GraphStep> convolution_step(const GraphNode& node, const Shape& in,
                                            const Shape& out, size_t input_pixel,
                                            const Finish& finish);
std::unique_ptr<GraphStep> projection_step(const GraphNode& node, size_t channels);
std::unique_ptr<GraphStep> pooling_step(const MaxPooling& pooling);
std::unique_ptr<GraphStep> pooling_step(const AveragePooling& pooling);
std::unique_ptr<GraphStep> global_average_step();
std::unique_ptr<GraphStep> sum_step(bool relu);
std::unique_ptr<GraphStep> rectifier_step();

}  // namespace doppel::internal
