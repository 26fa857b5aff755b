#include "doppel/graph/graph_steps.h"

#include <algorithm>
#include <utility>

#include "doppel/graph/graph_kernels.h"
#include "doppel/nn/winograd.h"

namespace doppel::internal {
namespace {

constexpr size_t kRowsAtOnce = 512;
// Of Winograd's points before and after the product: so that both stay in the second cache.
constexpr size_t kPointFloats = size_t{5} << 16;
constexpr size_t kTile = 4;

size_t blocks_of(size_t channels) { return (channels + kBlock - 1) / kBlock; }
size_t padded(size_t channels) { return blocks_of(channels) * kBlock; }

AlignedArray<float> padded_bias(const std::vector<float>& bias, size_t outputs) {
  AlignedArray<float> result(padded(outputs));
  std::ranges::copy(bias, result.data());
  return result;
}

// Products of rows: a convolution at its places one by one, a projection.
class DirectStep final : public GraphStep {
 public:
  DirectStep(const Convolution& settings, const GraphNode& node, size_t channels,
             size_t input_pixel, const Finish& finish)
      : settings_(settings), finish_(finish), blocks_(blocks_of(settings.filters)) {
    const size_t kernel = settings.kernel, area = kernel * kernel;
    // Where pixels lie side by side without a gap, a row of the kernel is one piece.
    rows_are_taps_ = input_pixel == channels;
    depth_ = rows_are_taps_ ? kernel * channels : channels;
    weight_ = AlignedArray<float>(blocks_ * area * channels * kBlock);
    for (size_t f = 0; f < settings.filters; ++f) {
      for (size_t c = 0; c < channels; ++c) {
        for (size_t k = 0; k < area; ++k) {
          weight_[((f / kBlock * area + k) * channels + c) * kBlock + f % kBlock] =
              node.weight[(f * channels + c) * area + k];
        }
      }
    }
    if (!node.bias.empty()) bias_ = padded_bias(node.bias, settings.filters);
  }

  size_t weight_floats() const override { return weight_.size(); }

  void run(const std::vector<ValueLayout>& layouts, GraphMemory& memory, size_t first,
           size_t count) const override {
    const ValueLayout& in = layouts[reads[0]];
    const ValueLayout& out = layouts[writes];
    std::vector<size_t> taps;
    for (size_t i = 0; i < settings_.kernel; ++i) {
      for (size_t j = 0; j < (rows_are_taps_ ? 1 : settings_.kernel); ++j) {
        taps.push_back(i * in.row() + j * in.pixel);
      }
    }
    const RowProduct product{taps.size(), depth_,         blocks_,
                             taps.data(), weight_.data(), bias_.size() > 0 ? bias_.data() : nullptr,
                             finish_.relu};
    const size_t corner = (in.frame - settings_.padding) * (in.row() + in.pixel);
    memory.from.clear();
    memory.beside.clear();
    memory.to.clear();
    const auto multiply = [&] {
      multiply_rows(product, memory.from.data(), finish_.skip ? memory.beside.data() : nullptr,
                    memory.to.data(), memory.from.size());
      memory.from.clear();
      memory.beside.clear();
      memory.to.clear();
    };
    for (size_t image = first; image < first + count; ++image) {
      const float* x = memory.at(reads[0], image) + corner;
      float* y = memory.at(writes, image) + out.origin();
      for (size_t i = 0; i < out.height; ++i) {
        for (size_t j = 0; j < out.width; ++j) {
          memory.from.push_back(x + settings_.stride * (i * in.row() + j * in.pixel));
          memory.to.push_back(y + i * out.row() + j * out.pixel);
          if (finish_.skip) {
            const ValueLayout& skip = layouts[*finish_.skip];
            memory.beside.push_back(memory.at(*finish_.skip, image) + skip.origin() +
                                    i * skip.row() + j * skip.pixel);
          }
          if (memory.from.size() == kRowsAtOnce) multiply();
        }
      }
    }
    multiply();
  }

 private:
  Convolution settings_;
  Finish finish_;
  size_t blocks_, depth_ = 0;
  bool rows_are_taps_ = false;
  AlignedArray<float> weight_;  // [block][row][column][channel][16]
  AlignedArray<float> bias_;
};

// 3x3 at stride 1 by Winograd's filtering.
class WinogradStep final : public GraphStep {
 public:
  WinogradStep(const Convolution& settings, const GraphNode& node, size_t channels,
               const Finish& finish)
      : padding_(settings.padding),
        channels_(channels),
        filters_(settings.filters),
        finish_(finish),
        weight_(kPoints * blocks_of(filters_) * channels * kBlock),
        bias_(padded_bias(node.bias, filters_)) {
    WeightPoints g;
    weight_points(kTile, g);
    const size_t point = blocks_of(filters_) * channels * kBlock;  // floats of one
    for (size_t f = 0; f < filters_; ++f) {
      for (size_t c = 0; c < channels; ++c) {
        const float* w = &node.weight[(f * channels + c) * 9];
        double half[6][3] = {};
        for (size_t p = 0; p < 6; ++p) {
          for (size_t i = 0; i < 3; ++i) {
            for (size_t j = 0; j < 3; ++j) half[p][j] += double{g[p][i]} * double{w[i * 3 + j]};
          }
        }
        float* to = weight_.data() + (f / kBlock * channels + c) * kBlock + f % kBlock;
        for (size_t p = 0; p < 6; ++p) {
          for (size_t q = 0; q < 6; ++q, to += point) {
            *to = static_cast<float>(half[p][0] * double{g[q][0]} + half[p][1] * double{g[q][1]} +
                                     half[p][2] * double{g[q][2]});
          }
        }
      }
    }
  }

  size_t weight_floats() const override { return weight_.size(); }
  size_t scratch_floats() const override {
    return kPoints * (point_floats(channels_) + point_floats(filters_));
  }

  void run(const std::vector<ValueLayout>& layouts, GraphMemory& memory, size_t first,
           size_t count) const override {
    const ValueLayout& in = layouts[reads[0]];
    const ValueLayout& out = layouts[writes];
    const ValueLayout& skip = layouts[finish_.skip.value_or(writes)];
    const size_t wide = (out.width + kTile - 1) / kTile;
    const size_t each = wide * ((out.height + kTile - 1) / kTile), all = each * count;
    const size_t from_stride = point_floats(channels_), to_stride = point_floats(filters_);
    float* const from = memory.scratch.data();
    float* const to = from + kPoints * from_stride;
    const size_t corner = (in.frame - padding_) * (in.row() + in.pixel);
    for (size_t begin = 0; begin < all; begin += tiles()) {
      const size_t n = std::min(tiles(), all - begin);
      for (size_t t = 0; t < n; ++t) {
        const size_t tile = (begin + t) % each;
        tile_to_points(memory.at(reads[0], first + (begin + t) / each) + corner +
                           kTile * (tile / wide * in.row() + tile % wide * in.pixel),
                       in.pixel, in.row(), in.pixel, from + t * padded(channels_), from_stride);
      }
      multiply_points(from, from_stride, n, to, to_stride, memory);
      for (size_t t = 0; t < n; ++t) {
        const size_t tile = (begin + t) % each, image = first + (begin + t) / each;
        const size_t row = tile / wide * kTile, column = tile % wide * kTile;
        const TileOutput output{std::min(kTile, out.height - row),
                                std::min(kTile, out.width - column),
                                out.pixel,
                                out.pixel,
                                out.row(),
                                skip.pixel,
                                skip.row(),
                                bias_.data(),
                                finish_.relu};
        points_to_tile(
            to + t * padded(filters_), to_stride, output,
            finish_.skip ? memory.at(*finish_.skip, image) + skip.origin() + row * skip.row() +
                               column * skip.pixel
                         : nullptr,
            memory.at(writes, image) + out.origin() + row * out.row() + column * out.pixel);
      }
    }
  }

 private:
  // That are computed together.
  size_t tiles() const {
    return std::max<size_t>(8, kPointFloats / (kPoints * (padded(channels_) + padded(filters_))));
  }
  // Floats from a point to the next one: not a power of 2, or all would fall into one cache set.
  size_t point_floats(size_t channels) const {
    return odd_vectors(tiles() * blocks_of(channels)) * kBlock;
  }

  void multiply_points(const float* from, size_t from_stride, size_t n, float* to, size_t to_stride,
                       GraphMemory& memory) const {
    const size_t tap = 0;
    const size_t floats = blocks_of(filters_) * channels_ * kBlock;
    memory.from.resize(n);
    memory.to.resize(n);
    for (size_t p = 0; p < kPoints; ++p) {
      for (size_t t = 0; t < n; ++t) {
        memory.from[t] = from + p * from_stride + t * padded(channels_);
        memory.to[t] = to + p * to_stride + t * padded(filters_);
      }
      const RowProduct product{
          1, channels_, blocks_of(filters_), &tap, weight_.data() + p * floats, nullptr, false};
      multiply_rows(product, memory.from.data(), nullptr, memory.to.data(), n);
    }
  }

  size_t padding_, channels_, filters_;
  Finish finish_;
  AlignedArray<float> weight_;  // [point][block][channel][16]
  AlignedArray<float> bias_;
};

template <void (*kReduce)(const PoolWindow&, const float*, float*)>
class PoolingStep final : public GraphStep {
 public:
  PoolingStep(size_t size, size_t stride) : size_(size), stride_(stride) {}

  void run(const std::vector<ValueLayout>& layouts, GraphMemory& memory, size_t first,
           size_t count) const override {
    const ValueLayout& in = layouts[reads[0]];
    const ValueLayout& out = layouts[writes];
    const size_t rows = size_ == 0 ? in.height : size_, columns = size_ == 0 ? in.width : size_;
    const PoolWindow window{rows, columns, out.pixel, in.pixel, in.row()};
    for (size_t image = first; image < first + count; ++image) {
      const float* x = memory.at(reads[0], image) + in.origin();
      float* y = memory.at(writes, image) + out.origin();
      for (size_t i = 0; i < out.height; ++i) {
        for (size_t j = 0; j < out.width; ++j) {
          kReduce(window, x + stride_ * (i * in.row() + j * in.pixel),
                  y + i * out.row() + j * out.pixel);
        }
      }
    }
  }

 private:
  size_t size_, stride_;  // size 0: the whole value
};

class SumStep final : public GraphStep {
 public:
  explicit SumStep(bool relu) : relu_(relu) {}

  void run(const std::vector<ValueLayout>& layouts, GraphMemory& memory, size_t first,
           size_t count) const override {
    const ValueLayout& out = layouts[writes];
    for (size_t image = first; image < first + count; ++image) {
      float* y = memory.at(writes, image) + out.origin();
      for (size_t i = 0; i < out.height; ++i) {
        for (size_t j = 0; j < out.width; ++j) add_pixel(layouts, memory, image, i, j, y);
      }
    }
  }

 private:
  void add_pixel(const std::vector<ValueLayout>& layouts, const GraphMemory& memory, size_t image,
                 size_t i, size_t j, float* y) const {
    const ValueLayout& out = layouts[writes];
    const float* parts[2] = {};
    size_t ends[2] = {};  // channels that a part has there
    for (size_t k = 0; k < reads.size(); ++k) {
      const ValueLayout& in = layouts[reads[k]];
      if (i >= in.height || j >= in.width) continue;
      parts[k] = memory.at(reads[k], image) + in.origin() + i * in.row() + j * in.pixel;
      ends[k] = in.pixel;
    }
    y += i * out.row() + j * out.pixel;
    const size_t both = std::min(ends[0], ends[1]), either = std::max(ends[0], ends[1]);
    const size_t longer = ends[1] > ends[0] ? 1 : 0;
    sum_values(parts[0], parts[1], both, relu_, y);
    if (either > both) {
      sum_values(parts[longer] + both, nullptr, either - both, relu_, y + both);
    }
    if (out.pixel > either) sum_values(nullptr, nullptr, out.pixel - either, relu_, y + either);
  }

  bool relu_;
};

}  // namespace

bool takes_winograd(const Convolution& convolution, const Shape& output) {
  return convolution.kernel == 3 && convolution.stride == 1 && output.height >= kTile &&
         output.width >= kTile;
}

std::unique_ptr<GraphStep> convolution_step(const GraphNode& node, const Shape& in,
                                            const Shape& out, size_t input_pixel,
                                            const Finish& finish) {
  const auto& settings = std::get<Convolution>(node.op);
  if (takes_winograd(settings, out)) {
    return std::make_unique<WinogradStep>(settings, node, in.channels, finish);
  }
  return std::make_unique<DirectStep>(settings, node, in.channels, input_pixel, finish);
}

std::unique_ptr<GraphStep> projection_step(const GraphNode& node, size_t channels) {
  const Convolution settings{std::get<Projection>(node.op).outputs, 1, 1, 0};
  return std::make_unique<DirectStep>(settings, node, channels, padded(channels), Finish{});
}

std::unique_ptr<GraphStep> pooling_step(const MaxPooling& pooling) {
  return std::make_unique<PoolingStep<window_max>>(pooling.size, pooling.stride);
}
std::unique_ptr<GraphStep> pooling_step(const AveragePooling& pooling) {
  return std::make_unique<PoolingStep<window_mean>>(pooling.size, pooling.stride);
}
std::unique_ptr<GraphStep> global_average_step() {
  return std::make_unique<PoolingStep<window_mean>>(0, 1);
}
std::unique_ptr<GraphStep> sum_step(bool relu) { return std::make_unique<SumStep>(relu); }
std::unique_ptr<GraphStep> rectifier_step() { return std::make_unique<SumStep>(true); }

}  // namespace doppel::internal
