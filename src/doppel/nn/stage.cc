#include "doppel/nn/stage.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "doppel/nn/kernels.h"

namespace doppel {
namespace {

constexpr size_t kLaneBytes = kLanes * sizeof(float);

// A dropout layer: its place in the description keys its masks, so that fusing changes no bit.
struct Drop {
  uint16_t layer;
  uint32_t threshold;

  Drop(size_t layer, double rate)
      : layer(static_cast<uint16_t>(layer)),
        threshold(std::min(65535u, static_cast<uint32_t>(std::lround(rate * 65536)))) {}
  float scale() const { return 65536.0f / static_cast<float>(65536 - threshold); }
  void draw(const DropoutSeed& seed, size_t slot, size_t n, LaneBits* kept) const {
    draw_kept({seed.seed, seed.step, layer, static_cast<uint32_t>(slot), threshold}, n, kept);
  }
};

size_t mask_floats(size_t n) { return (n * sizeof(LaneBits) + 63) / 64 * 16; }

// A zero frame of `pad` around every plane of a tile.
void add_frame(const float* x, const Shape& shape, size_t pad, float* framed) {
  const size_t width = shape.width + 2 * pad;
  std::memset(framed, 0, shape.channels * (shape.height + 2 * pad) * width * kLaneBytes);
  for (size_t c = 0; c < shape.channels; ++c) {
    for (size_t i = 0; i < shape.height; ++i) {
      std::memcpy(framed + ((c * (shape.height + 2 * pad) + i + pad) * width + pad) * kLanes,
                  x + (c * shape.height + i) * shape.width * kLanes, shape.width * kLaneBytes);
    }
  }
}

void remove_frame(const float* framed, const Shape& shape, size_t pad, float* x) {
  const size_t width = shape.width + 2 * pad;
  for (size_t c = 0; c < shape.channels; ++c) {
    for (size_t i = 0; i < shape.height; ++i) {
      std::memcpy(x + (c * shape.height + i) * shape.width * kLanes,
                  framed + ((c * (shape.height + 2 * pad) + i + pad) * width + pad) * kLanes,
                  shape.width * kLaneBytes);
    }
  }
}

size_t framed_floats(const Shape& shape, size_t pad) {
  return shape.channels * (shape.height + 2 * pad) * (shape.width + 2 * pad) * kLanes;
}

// A convolution sums the gradients of its weights and biases per tile, in the order in which its
// tensors lie; what is left is to add these up over the tiles.
class SummedStage : public Stage {
 public:
  SummedStage(size_t in_size, size_t out_size, size_t weights, size_t biases, size_t offset)
      : Stage(in_size, out_size), weights_(weights), biases_(biases), offset_(offset) {}

  size_t partial_floats() const override { return weights_ + biases_; }
  size_t gradient_tasks() const override { return 1; }
  void gradient(size_t, size_t tiles, const float*, const float* partials, float*,
                float* gradient) const override {
    float* sum = gradient + offset_;
    std::memcpy(sum, partials, partial_floats() * sizeof(float));
    for (size_t t = 1; t < tiles; ++t) {
      const float* partial = partials + t * partial_floats();
      for (size_t i = 0; i < partial_floats(); ++i) sum[i] += partial[i];
    }
  }

 protected:
  const float* weight(const Pass& pass) const { return pass.parameters + offset_; }
  const float* bias(const Pass& pass) const { return weight(pass) + weights_; }
  size_t weights() const { return weights_; }

 private:
  size_t weights_, biases_, offset_;
};

// Convolution 3x3, ReLU, max-pool 2, perhaps dropout.
class ConvPoolStage : public SummedStage {
 public:
  ConvPoolStage(const Shape& in, const Conv& conv, size_t out_size, size_t offset,
                std::optional<Drop> drop)
      : SummedStage(in.size(), out_size, conv.filters * in.channels * 9, conv.filters, offset),
        in_(in),
        pad_(conv.same ? 1 : 0),
        shape_{in.channels, in.height + 2 * pad_, in.width + 2 * pad_, conv.filters},
        drop_(drop) {}

  size_t scratch_floats() const override {
    // Masks in forward; the routed gradient, and the framed input's, in backward.
    return mask_floats(out_size()) + shape_.framed_size() * kLanes + framed_floats(in_, pad_);
  }
  size_t tape_floats() const override {
    static_assert(sizeof(PoolChoice) == sizeof(float));
    return (shape_.framed_size() + 15) / 16 * 16;
  }

  void forward(const Pass& pass, const float* x, float* y) const override {
    LaneBits* kept = nullptr;
    float scale = 1;
    if (drop_ && pass.dropout != nullptr) {
      kept = reinterpret_cast<LaneBits*>(pass.scratch);
      scale = drop_->scale();
    }
    for (size_t t = 0; t < pass.tiles; ++t) {
      if (kept != nullptr) drop_->draw(*pass.dropout, pass.slot + t * kLanes, out_size(), kept);
      conv_pool_forward(shape_, framed(x + t * in_size() * kLanes, pass.scratch), weight(pass),
                        bias(pass), kept, scale, y + t * out_size() * kLanes,
                        pass.tape == nullptr
                            ? nullptr
                            : reinterpret_cast<PoolChoice*>(pass.tape + t * tape_floats()));
    }
  }

  void backward(const Pass& pass, const float* x, const float* y, float* dy, float* dx,
                float* partial) const override {
    const float scale = drop_ && pass.dropout != nullptr ? drop_->scale() : 1;
    float* routed = pass.scratch + mask_floats(out_size());
    float* framed_gradient = routed + shape_.framed_size() * kLanes;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const auto* choice = reinterpret_cast<const PoolChoice*>(pass.tape + t * tape_floats());
      float* sums = partial + t * partial_floats();
      conv_pool_route(shape_, y + t * out_size() * kLanes, dy + t * out_size() * kLanes, scale,
                      routed, sums + weights());
      conv_pool_weight_gradient(shape_, framed(x + t * in_size() * kLanes, pass.scratch), routed,
                                choice, sums);
      if (dx == nullptr) continue;
      float* out = dx + t * in_size() * kLanes;
      conv_pool_input_gradient(shape_, weight(pass), routed, choice,
                               pad_ == 0 ? out : framed_gradient);
      if (pad_ > 0) remove_frame(framed_gradient, in_, pad_, out);
    }
  }

 private:
  const float* framed(const float* x, float* scratch) const {
    if (pad_ == 0) return x;
    float* out = scratch + mask_floats(out_size()) + shape_.framed_size() * kLanes;
    add_frame(x, in_, pad_, out);
    return out;
  }

  Shape in_;
  size_t pad_;
  ConvPool shape_;
  std::optional<Drop> drop_;
};

class ConvStage : public SummedStage {
 public:
  ConvStage(const Shape& in, const Conv& conv, const Shape& out, size_t offset)
      : SummedStage(in.size(), out.size(), conv.filters * in.channels * conv.kernel * conv.kernel,
                    conv.filters, offset),
        in_(in),
        out_(out),
        pad_(conv.same ? conv.kernel / 2 : 0),
        shape_{in.channels, in.height + 2 * pad_, in.width + 2 * pad_, conv.filters, conv.kernel} {}

  size_t scratch_floats() const override {
    return framed_floats(in_, pad_) + framed_floats(out_, shape_.kernel - 1) +
           (weights() + 15) / 16 * 16;
  }

  void forward(const Pass& pass, const float* x, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      conv_forward(shape_, framed(x + t * in_size() * kLanes, pass.scratch), weight(pass),
                   bias(pass), y + t * out_size() * kLanes);
    }
  }

  void backward(const Pass& pass, const float* x, const float*, float* dy, float* dx,
                float* partial) const override {
    float* framed_gradient = pass.scratch + framed_floats(in_, pad_);
    float* turned = framed_gradient + framed_floats(out_, shape_.kernel - 1);
    if (dx != nullptr) turn_weights(weight(pass), turned);
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* g = dy + t * out_size() * kLanes;
      float* sums = partial + t * partial_floats();
      conv_weight_gradient(shape_, framed(x + t * in_size() * kLanes, pass.scratch), g, sums,
                           sums + weights());
      if (dx == nullptr) continue;
      add_frame(g, out_, shape_.kernel - 1, framed_gradient);
      const ConvPlain full{shape_.filters, out_.height + 2 * (shape_.kernel - 1),
                           out_.width + 2 * (shape_.kernel - 1), in_.channels, shape_.kernel};
      float* out = dx + t * in_size() * kLanes;
      conv_forward(full, framed_gradient, turned, nullptr, pad_ == 0 ? out : pass.scratch);
      if (pad_ > 0) remove_frame(pass.scratch, in_, pad_, out);
    }
  }

 private:
  const float* framed(const float* x, float* scratch) const {
    if (pad_ == 0) return x;
    add_frame(x, in_, pad_, scratch);
    return scratch;
  }

  // [filters][channels][k][k] to [channels][filters][k][k], each kernel by half a turn.
  void turn_weights(const float* weight, float* turned) const {
    const size_t area = shape_.kernel * shape_.kernel;
    for (size_t f = 0; f < shape_.filters; ++f) {
      for (size_t c = 0; c < in_.channels; ++c) {
        for (size_t k = 0; k < area; ++k) {
          turned[(c * shape_.filters + f) * area + area - 1 - k] =
              weight[(f * in_.channels + c) * area + k];
        }
      }
    }
  }

  Shape in_, out_;
  size_t pad_;
  ConvPlain shape_;
};

// ReLU, dropout, or the one after the other.
class ActivationStage : public Stage {
 public:
  ActivationStage(size_t size, bool relu, std::optional<Drop> drop)
      : Stage(size, size), relu_(relu), drop_(drop) {}

  size_t scratch_floats() const override { return mask_floats(out_size()); }

  void forward(const Pass& pass, const float* x, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate(x + at, out_size(), relu_, kept, kept == nullptr ? 1 : drop_->scale(), y + at);
    }
  }

  void backward(const Pass& pass, const float*, const float* y, float* dy, float* dx,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate_gradient(y + at, dy + at, out_size(), relu_, kept,
                        kept == nullptr ? 1 : drop_->scale(), dx + at);
    }
  }

 private:
  // The masks are drawn again in backward: they cost less than keeping them.
  const LaneBits* draw(const Pass& pass, size_t tile) const {
    if (!drop_ || pass.dropout == nullptr) return nullptr;
    auto* kept = reinterpret_cast<LaneBits*>(pass.scratch);
    drop_->draw(*pass.dropout, pass.slot + tile * kLanes, out_size(), kept);
    return kept;
  }

  bool relu_;
  std::optional<Drop> drop_;
};

class MaxPoolStage : public Stage {
 public:
  MaxPoolStage(const Shape& in, const Shape& out, size_t size)
      : Stage(in.size(), out.size()), in_(in), size_(size) {}

  void forward(const Pass& pass, const float* x, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      max_pool(x + t * in_size() * kLanes, in_.channels, in_.height, in_.width, size_,
               y + t * out_size() * kLanes);
    }
  }

  void backward(const Pass& pass, const float* x, const float* y, float* dy, float* dx,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      max_pool_gradient(x + t * in_size() * kLanes, y + t * out_size() * kLanes,
                        dy + t * out_size() * kLanes, in_.channels, in_.height, in_.width, size_,
                        dx + t * in_size() * kLanes);
    }
  }

 private:
  Shape in_;
  size_t size_;
};

// Dense, perhaps with ReLU and dropout behind it.
class DenseStage : public Stage {
 public:
  DenseStage(size_t in_size, size_t units, size_t offset, bool relu, std::optional<Drop> drop)
      : Stage(in_size, units), offset_(offset), relu_(relu), drop_(drop) {}

  bool wants_several_tiles() const override { return true; }
  size_t scratch_floats() const override {
    return std::max(mask_floats(out_size()), out_size() * kTaskColumns);
  }
  // The input once more, an image in a row, and the gradient behind the activation: the weights'
  // gradient is their product over the whole batch.
  size_t tape_floats() const override { return kLanes * row_floats() + out_size() * kLanes; }

  void forward(const Pass& pass, const float* x, float* y) const override {
    const float* weight = pass.parameters + offset_;
    multiply({.rows = out_size(),
              .outer = 1,
              .inner = in_size(),
              .vectors = pass.tiles,
              .a_row = in_size(),
              .a_outer = 0,
              .a_inner = 1,
              .b_outer = 0,
              .b_inner = kLanes,
              .b_vector = in_size() * kLanes,
              .c_row = kLanes,
              .c_vector = out_size() * kLanes},
             weight, x, weight + out_size() * in_size(), y);
    for (size_t t = 0; t < pass.tiles; ++t) {
      float* out = y + t * out_size() * kLanes;
      if (relu_ || drop_) {
        const LaneBits* kept = nullptr;
        if (drop_ && pass.dropout != nullptr) {
          auto* drawn = reinterpret_cast<LaneBits*>(pass.scratch);
          drop_->draw(*pass.dropout, pass.slot + t * kLanes, out_size(), drawn);
          kept = drawn;
        }
        activate(out, out_size(), relu_, kept, kept == nullptr ? 1 : drop_->scale(), out);
      }
      if (pass.tape != nullptr) {
        float* rows[kLanes];
        for (size_t lane = 0; lane < kLanes; ++lane) {
          rows[lane] = pass.tape + t * tape_floats() + lane * row_floats();
        }
        tile_to_rows(x + t * in_size() * kLanes, in_size(), rows);
      }
    }
  }

  void backward(const Pass& pass, const float*, const float* y, float* dy, float* dx,
                float*) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      float* g = pass.tape + t * tape_floats() + kLanes * row_floats();
      const LaneBits* kept = nullptr;
      if (drop_ && pass.dropout != nullptr && !relu_) {
        auto* drawn = reinterpret_cast<LaneBits*>(pass.scratch);
        drop_->draw(*pass.dropout, pass.slot + t * kLanes, out_size(), drawn);
        kept = drawn;
      }
      // Behind a ReLU a dropped value is 0 and known by that.
      const float scale = drop_ && pass.dropout != nullptr ? drop_->scale() : 1;
      activate_gradient(y + at, dy + at, out_size(), relu_, kept, scale, g);
    }
    if (dx == nullptr) return;
    multiply({.rows = in_size(),
              .outer = 1,
              .inner = out_size(),
              .vectors = pass.tiles,
              .a_row = 1,
              .a_outer = 0,
              .a_inner = in_size(),
              .b_outer = 0,
              .b_inner = kLanes,
              .b_vector = tape_floats(),
              .c_row = kLanes,
              .c_vector = in_size() * kLanes},
             pass.parameters + offset_, pass.tape + kLanes * row_floats(), nullptr, dx);
  }

  // Columns of the weight matrix, then one task for the biases.
  size_t gradient_tasks() const override {
    return (row_floats() + kTaskColumns - 1) / kTaskColumns + 1;
  }
  void gradient(size_t task, size_t tiles, const float* tapes, const float*, float* scratch,
                float* gradient) const override {
    const float* g = tapes + kLanes * row_floats();
    float* out = gradient + offset_;
    const size_t first = task * kTaskColumns;
    if (task + 1 == gradient_tasks()) {
      sum_lanes(g, out_size(), tiles, tape_floats(), out + out_size() * in_size());
      return;
    }
    const size_t vectors = std::min(kTaskColumns, row_floats() - first) / kLanes;
    multiply({.rows = out_size(),
              .outer = tiles,
              .inner = kLanes,
              .vectors = vectors,
              .a_row = kLanes,
              .a_outer = tape_floats(),
              .a_inner = 1,
              .b_outer = tape_floats(),
              .b_inner = row_floats(),
              .b_vector = kLanes,
              .c_row = vectors * kLanes,
              .c_vector = kLanes},
             g, tapes + first, nullptr, scratch);
    const size_t columns = std::min(vectors * kLanes, in_size() - first);
    for (size_t r = 0; r < out_size(); ++r) {
      std::memcpy(out + r * in_size() + first, scratch + r * vectors * kLanes,
                  columns * sizeof(float));
    }
  }

 private:
  static constexpr size_t kTaskColumns = 64;
  size_t row_floats() const { return (in_size() + kLanes - 1) / kLanes * kLanes; }

  size_t offset_;
  bool relu_;
  std::optional<Drop> drop_;
};

// The layer at `i` if it is there and of this type.
template <typename T>
const T* layer_at(const std::vector<Layer>& layers, size_t i) {
  return i < layers.size() ? std::get_if<T>(&layers[i]) : nullptr;
}

}  // namespace

std::vector<std::unique_ptr<Stage>> plan_stages(const Network& network) {
  const std::vector<Shape> shapes = layer_shapes(network);
  const std::vector<Layer>& layers = network.layers;
  std::vector<size_t> offset(layers.size(), 0);
  for (const Tensor& tensor : parameter_tensors(network)) {
    if (tensor.shape.size() > 1) offset[tensor.layer] = tensor.offset;
  }
  std::vector<std::unique_ptr<Stage>> stages;
  size_t i = 0;
  const auto take_relu = [&] {
    const bool there = layer_at<Relu>(layers, i) != nullptr;
    if (there) ++i;
    return there;
  };
  const auto take_dropout = [&]() -> std::optional<Drop> {
    const auto* dropout = layer_at<Dropout>(layers, i);
    if (dropout == nullptr) return std::nullopt;
    ++i;
    return Drop(i - 1, dropout->rate);
  };
  while (i < layers.size()) {
    const size_t at = i;
    const Shape in = at == 0 ? network.input : shapes[at - 1];
    if (const auto* conv = layer_at<Conv>(layers, at)) {
      const auto* behind = layer_at<MaxPool>(layers, at + 2);
      const bool pooled =
          layer_at<Relu>(layers, at + 1) != nullptr && behind != nullptr && behind->size == 2;
      if (conv->kernel == 3 && pooled) {
        i += 3;
        const size_t out_size = shapes[at + 2].size();
        stages.push_back(
            std::make_unique<ConvPoolStage>(in, *conv, out_size, offset[at], take_dropout()));
      } else {
        ++i;
        stages.push_back(std::make_unique<ConvStage>(in, *conv, shapes[at], offset[at]));
      }
    } else if (const auto* dense = layer_at<Dense>(layers, at)) {
      ++i;
      const bool relu = take_relu();
      stages.push_back(
          std::make_unique<DenseStage>(in.size(), dense->units, offset[at], relu, take_dropout()));
    } else if (const auto* pool = layer_at<MaxPool>(layers, at)) {
      ++i;
      stages.push_back(std::make_unique<MaxPoolStage>(in, shapes[at], pool->size));
    } else if (layer_at<Flatten>(layers, at) != nullptr) {
      ++i;  // a tile is channel-major as it is
    } else {
      const bool relu = take_relu();
      stages.push_back(std::make_unique<ActivationStage>(in.size(), relu, take_dropout()));
    }
  }
  return stages;
}

}  // namespace doppel
