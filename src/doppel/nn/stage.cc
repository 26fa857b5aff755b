#include "doppel/nn/stage.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "doppel/nn/conv3x3.h"
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
  const float* bias(const Pass& pass) const {
    return biases_ > 0 ? weight(pass) + weights_ : nullptr;
  }
  size_t offset() const { return offset_; }
  size_t weights() const { return weights_; }
  size_t biases() const { return biases_; }

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
        pad_(conv.padding),
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

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
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

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float* partial) const override {
    const float *x = values.x, *y = values.y;
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
                    conv.bias ? conv.filters : 0, offset),
        in_(in),
        out_(out),
        pad_(conv.padding),
        shape_{in.channels, in.height + 2 * pad_, in.width + 2 * pad_, conv.filters, conv.kernel} {}

  size_t scratch_floats() const override {
    return framed_floats(in_, pad_) + framed_floats(out_, shape_.kernel - 1) +
           (weights() + 15) / 16 * 16;
  }

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      conv_forward(shape_, framed(x + t * in_size() * kLanes, pass.scratch), weight(pass),
                   bias(pass), y + t * out_size() * kLanes);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float* partial) const override {
    float* framed_gradient = pass.scratch + framed_floats(in_, pad_);
    float* turned = framed_gradient + framed_floats(out_, shape_.kernel - 1);
    if (dx != nullptr) turn_weights(weight(pass), turned);
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* g = dy + t * out_size() * kLanes;
      float* sums = partial + t * partial_floats();
      conv_weight_gradient(shape_, framed(values.x + t * in_size() * kLanes, pass.scratch), g, sums,
                           biases() > 0 ? sums + weights() : framed_gradient);
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

// A 3x3 convolution at every place, by the fastest kernels there are for its shape.
class Conv3x3Stage : public SummedStage {
 public:
  Conv3x3Stage(const Shape& in, const Conv& conv, const Shape& out, size_t offset)
      : SummedStage(in.size(), out.size(), conv.filters * in.channels * 9,
                    conv.bias ? conv.filters : 0, offset),
        shape_{in.channels, in.height, in.width, conv.filters, conv.padding} {}

  size_t scratch_floats() const override { return conv3x3_scratch_floats(shape_); }
  // The weights for forward, then those for the input's gradient.
  size_t prepared_floats() const override {
    return forward_floats() + conv3x3_turned_floats(shape_);
  }
  void prepare(const float* parameters, float* prepared) const override {
    conv3x3_prepare(shape_, parameters + offset(), prepared);
    conv3x3_prepare_turned(shape_, parameters + offset(), prepared + forward_floats());
  }

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      conv3x3_forward(shape_, x + t * in_size() * kLanes, pass.prepared, bias(pass),
                      y + t * out_size() * kLanes, pass.scratch);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float* partial) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* g = dy + t * out_size() * kLanes;
      float* sums = partial + t * partial_floats();
      conv3x3_weight_gradient(shape_, values.x + t * in_size() * kLanes, g, sums,
                              biases() > 0 ? sums + weights() : nullptr, pass.scratch);
      if (dx == nullptr) continue;
      conv3x3_input_gradient(shape_, g, pass.prepared + forward_floats(),
                             dx + t * in_size() * kLanes, pass.scratch);
    }
  }

 private:
  size_t forward_floats() const { return (conv3x3_prepared_floats(shape_) + 15) / 16 * 16; }

  Conv3x3 shape_;
};

// ReLU, dropout, or the one after the other.
class ActivationStage : public Stage {
 public:
  ActivationStage(size_t size, bool relu, std::optional<Drop> drop)
      : Stage(size, size), relu_(relu), drop_(drop) {}

  size_t scratch_floats() const override { return mask_floats(out_size()); }

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate(x + at, out_size(), relu_, kept, kept == nullptr ? 1 : drop_->scale(), y + at);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate_gradient(values.y + at, dy + at, out_size(), relu_, kept,
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

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      max_pool(x + t * in_size() * kLanes, in_.channels, in_.height, in_.width, size_,
               y + t * out_size() * kLanes);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      max_pool_gradient(values.x + t * in_size() * kLanes, values.y + t * out_size() * kLanes,
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
  DenseStage(size_t in_size, const Dense& dense, size_t offset, bool relu, std::optional<Drop> drop)
      : Stage(in_size, dense.units), bias_(dense.bias), offset_(offset), relu_(relu), drop_(drop) {}

  bool wants_several_tiles() const override { return true; }
  size_t scratch_floats() const override {
    return std::max(mask_floats(out_size()), out_size() * kTaskColumns);
  }
  // The input once more, an image in a row, and the gradient behind the activation: the weights'
  // gradient is their product over the whole batch.
  size_t tape_floats() const override { return kLanes * row_floats() + out_size() * kLanes; }

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
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
             weight, x, bias_ ? weight + out_size() * in_size() : nullptr, y);
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

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    const float* y = values.y;
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
  size_t gradient_tasks() const override { return weight_tasks() + (bias_ ? 1 : 0); }
  void gradient(size_t task, size_t tiles, const float* tapes, const float*, float* scratch,
                float* gradient) const override {
    const float* g = tapes + kLanes * row_floats();
    float* out = gradient + offset_;
    const size_t first = task * kTaskColumns;
    if (task == weight_tasks()) {
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
  size_t weight_tasks() const { return (row_floats() + kTaskColumns - 1) / kTaskColumns; }

  bool bias_;
  size_t offset_;
  bool relu_;
  std::optional<Drop> drop_;
};

// Batch normalisation, perhaps with a shortcut added, ReLU and max-pool 2 behind it.
class NormStage : public Stage {
 public:
  NormStage(const Shape& in, const Shape& out, size_t offset, bool relu, bool pool)
      : Stage(in.size(), out.size()),
        offset_(offset),
        shape_{in.channels, in.height, in.width, relu, pool} {}

  // For each channel two sums of a tile: in forward of its values, then of their gradient.
  size_t partial_floats() const override { return 2 * shape_.channels; }
  size_t statistics_floats() const override { return kFields * shape_.channels; }

  void measure(const Pass& pass, const float* x, float* partial) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      norm_measure(x + t * in_size() * kLanes, shape_.channels, plane(), images_in(pass, t),
                   partial + t * partial_floats());
    }
  }

  // Tiles are put together by Chan, Golub and LeVeque, 1983: of two parts of n and m values,
  // mean = mean_n + (mean_m - mean_n) m / (n + m), and the sums of squares add, with
  // (mean_m - mean_n)^2 n m / (n + m).
  void settle(const float* parameters, size_t images, const float* partials,
              float* statistics) const override {
    for (size_t c = 0; c < shape_.channels; ++c) {
      double count = 0, mean = 0, squares = 0;
      for (size_t first = 0, t = 0; first < images; first += kLanes, ++t) {
        const float* tile = partials + t * partial_floats() + 2 * c;
        const auto more = static_cast<double>(std::min(kLanes, images - first) * plane());
        const double apart = tile[0] - mean, all = count + more;
        mean += apart * more / all;
        squares += tile[1] + apart * apart * count * more / all;
        count = all;
      }
      field(statistics, Field::unbiased)[c] =
          static_cast<float>(squares / std::max(1.0, count - 1));
      set_channel(parameters, c, mean, squares / count, statistics);
    }
  }

  void recall(const float* parameters, float* statistics) const override {
    const float* running = parameters + offset_ + 2 * shape_.channels;
    for (size_t c = 0; c < shape_.channels; ++c) {
      set_channel(parameters, c, running[c], running[shape_.channels + c], statistics);
    }
  }

  void remember(const float* statistics, double momentum, float* parameters) const override {
    float* mean = parameters + offset_ + 2 * shape_.channels;
    float* variance = mean + shape_.channels;
    const auto move = [momentum](float& running, float batch) {
      running = static_cast<float>((1 - momentum) * running + momentum * batch);
    };
    for (size_t c = 0; c < shape_.channels; ++c) {
      move(mean[c], field(statistics, Field::mean)[c]);
      move(variance[c], field(statistics, Field::unbiased)[c]);
    }
  }

  void forward(const Pass& pass, const float* x, const float* skip, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes;
      norm_forward(shape_, x + at, settings(pass), skip == nullptr ? nullptr : skip + at,
                   y + t * out_size() * kLanes);
    }
  }

  void measure_gradient(const Pass& pass, const Values& values, const float* dy,
                        float* partial) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes, out = t * out_size() * kLanes;
      norm_gradient_sums(shape_, values.x + at, settings(pass),
                         values.skip == nullptr ? nullptr : values.skip + at, values.y + out,
                         dy + out, partial + t * partial_floats());
    }
  }

  void settle_gradient(size_t images, const float* partials, float* statistics) const override {
    const double count = static_cast<double>(images * plane());
    for (size_t c = 0; c < shape_.channels; ++c) {
      const auto [sum, product] = sums(c, (images + kLanes - 1) / kLanes, partials);
      field(statistics, Field::mean_gradient)[c] = static_cast<float>(sum / count);
      field(statistics, Field::mean_product)[c] = static_cast<float>(product / count);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float* dskip,
                float*) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes, out = t * out_size() * kLanes;
      norm_gradient(shape_, values.x + at, settings(pass),
                    values.skip == nullptr ? nullptr : values.skip + at, values.y + out, dy + out,
                    images_in(pass, t), dx == nullptr ? nullptr : dx + at,
                    dskip == nullptr ? nullptr : dskip + at);
    }
  }

  size_t gradient_tasks() const override { return 1; }
  void gradient(size_t, size_t tiles, const float*, const float* partials, float*,
                float* gradient) const override {
    float* out = gradient + offset_;
    for (size_t c = 0; c < shape_.channels; ++c) {
      const auto [sum, product] = sums(c, tiles, partials);
      out[c] = static_cast<float>(product);
      out[shape_.channels + c] = static_cast<float>(sum);
      out[2 * shape_.channels + c] = out[3 * shape_.channels + c] = 0;  // measured, not learned
    }
  }

 private:
  enum class Field { mean, inverse, scale, shift, mean_gradient, mean_product, unbiased };
  static constexpr size_t kFields = 7;

  size_t plane() const { return shape_.height * shape_.width; }
  static size_t images_in(const Pass& pass, size_t tile) {
    return std::min(kLanes, pass.images - tile * kLanes);
  }
  template <typename T>
  T* field(T* statistics, Field f) const {
    return statistics + static_cast<size_t>(f) * shape_.channels;
  }
  NormSettings settings(const Pass& pass) const {
    const auto of = [&](Field f) { return field(pass.statistics, f); };
    return {.mean = of(Field::mean),
            .inverse = of(Field::inverse),
            .scale = of(Field::scale),
            .shift = of(Field::shift),
            .mean_gradient = of(Field::mean_gradient),
            .mean_product = of(Field::mean_product)};
  }
  void set_channel(const float* parameters, size_t c, double mean, double variance,
                   float* statistics) const {
    const double inverse = 1 / std::sqrt(variance + kNormEpsilon);
    const double scale = parameters[offset_ + c] * inverse;
    field(statistics, Field::mean)[c] = static_cast<float>(mean);
    field(statistics, Field::inverse)[c] = static_cast<float>(inverse);
    field(statistics, Field::scale)[c] = static_cast<float>(scale);
    field(statistics, Field::shift)[c] =
        static_cast<float>(parameters[offset_ + shape_.channels + c] - mean * scale);
  }
  std::pair<double, double> sums(size_t c, size_t tiles, const float* partials) const {
    double sum = 0, product = 0;
    for (size_t t = 0; t < tiles; ++t) {
      sum += partials[t * partial_floats() + 2 * c];
      product += partials[t * partial_floats() + 2 * c + 1];
    }
    return {sum, product};
  }

  size_t offset_;
  Norm shape_;
};

// ReLU and max-pool 2 in one pass: a normalisation that changes nothing.
class ReluPoolStage : public Stage {
 public:
  ReluPoolStage(const Shape& in, const Shape& out)
      : Stage(in.size(), out.size()),
        shape_{in.channels, in.height, in.width, true, true},
        zeros_(in.channels, 0.0f),
        ones_(in.channels, 1.0f) {}

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      norm_forward(shape_, x + t * in_size() * kLanes, settings(), nullptr,
                   y + t * out_size() * kLanes);
    }
  }
  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes, out = t * out_size() * kLanes;
      norm_gradient(shape_, values.x + at, settings(), nullptr, values.y + out, dy + out, kLanes,
                    dx + at, nullptr);
    }
  }

 private:
  NormSettings settings() const {
    const float *zero = zeros_.data(), *one = ones_.data();
    return {.mean = zero,
            .inverse = one,
            .scale = one,
            .shift = zero,
            .mean_gradient = zero,
            .mean_product = zero};
  }

  Norm shape_;
  std::vector<float> zeros_, ones_;
};

// A shortcut added, perhaps with ReLU behind it.
class AddStage : public Stage {
 public:
  AddStage(size_t size, bool relu) : Stage(size, size), relu_(relu) {}

  void forward(const Pass& pass, const float* x, const float* skip, float* y) const override {
    const size_t n = pass.tiles * in_size();
    add_values(x, skip, n, y);
    if (relu_) activate(y, n, true, nullptr, 1, y);
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float* dskip,
                float*) const override {
    const size_t n = pass.tiles * in_size();
    for (float* to : {dx, dskip}) {
      if (to != nullptr) activate_gradient(values.y, dy, n, relu_, nullptr, 1, to);
    }
  }

 private:
  bool relu_;
};

// What needs no settings and no memory of its own.
class PlaneMeanStage : public Stage {
 public:
  explicit PlaneMeanStage(const Shape& in)
      : Stage(in.size(), in.channels), channels_(in.channels), plane_(in.height * in.width) {}

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      plane_means(x + t * in_size() * kLanes, channels_, plane_, y + t * out_size() * kLanes);
    }
  }
  void backward(const Pass& pass, const Values&, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      plane_means_gradient(dy + t * out_size() * kLanes, channels_, plane_,
                           dx + t * in_size() * kLanes);
    }
  }

 private:
  size_t channels_, plane_;
};

class UnitLengthStage : public Stage {
 public:
  explicit UnitLengthStage(size_t size) : Stage(size, size) {}

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      unit_length(x + t * in_size() * kLanes, in_size(), y + t * in_size() * kLanes);
    }
  }
  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes;
      unit_length_gradient(values.x + at, values.y + at, dy + at, in_size(), dx + at);
    }
  }
};

// A strided convolution is one at every place, of which every stride-th row and column is kept.
class PickStage : public Stage {
 public:
  PickStage(const Shape& in, const Shape& out, size_t stride)
      : Stage(in.size(), out.size()), in_(in), out_(out), stride_(stride) {}

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* from = x + t * in_size() * kLanes;
      float* to = y + t * out_size() * kLanes;
      for_places([&](size_t in, size_t out) {
        std::memcpy(to + out * kLanes, from + in * kLanes, kLaneBytes);
      });
    }
  }
  void backward(const Pass& pass, const Values&, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    std::memset(dx, 0, pass.tiles * in_size() * kLaneBytes);
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* from = dy + t * out_size() * kLanes;
      float* to = dx + t * in_size() * kLanes;
      for_places([&](size_t in, size_t out) {
        std::memcpy(to + in * kLanes, from + out * kLanes, kLaneBytes);
      });
    }
  }

 private:
  template <typename Copy>
  void for_places(const Copy& copy) const {
    for (size_t c = 0, out = 0; c < out_.channels; ++c) {
      for (size_t i = 0; i < out_.height; ++i) {
        for (size_t j = 0; j < out_.width; ++j, ++out) {
          copy((c * in_.height + i * stride_) * in_.width + j * stride_, out);
        }
      }
    }
  }

  Shape in_, out_;
  size_t stride_;
};

// From so many channels on, the kernels of conv3x3.h beat fusing with the pool.
constexpr size_t kManyChannels = 8;

// Walks through the layers and takes as many at a time as one stage can do.
class Planner {
 public:
  explicit Planner(const Network& network)
      : network_(network), shapes_(layer_shapes(network)), offset_(network.layers.size(), 0) {
    for (const Tensor& tensor : parameter_tensors(network)) {
      if (tensor.name.ends_with(".weight")) offset_[tensor.layer] = tensor.offset;
    }
    const size_t n = network.layers.size();
    wanted_.resize(n + 1);
    made_by_.resize(n + 1, kImages);
    for (size_t i = 0; i < n; ++i) {
      if (const auto* add = std::get_if<Add>(&network.layers[i])) wanted_[i - add->back] = true;
    }
  }

  std::vector<PlannedStage> plan() {
    while (next_ < network_.layers.size()) {
      take_stage();
      made_by_[next_] = stages_.size() - 1;  // kImages where there is none yet
    }
    return std::move(stages_);
  }

 private:
  // The layer `ahead` of the next one, if it is there, of this type, and nothing else needs what
  // stands before it.
  template <typename T>
  const T* follower(size_t ahead) const {
    const size_t i = next_ + ahead;
    if (i >= network_.layers.size() || (ahead > 0 && wanted_[i])) return nullptr;
    return std::get_if<T>(&network_.layers[i]);
  }
  template <typename T>
  const T* take() {
    if (next_ >= network_.layers.size() || wanted_[next_]) return nullptr;
    const T* layer = std::get_if<T>(&network_.layers[next_]);
    if (layer != nullptr) ++next_;
    return layer;
  }
  std::optional<Drop> take_dropout() {
    const auto* dropout = take<Dropout>();
    if (dropout == nullptr) return std::nullopt;
    return Drop(next_ - 1, dropout->rate);
  }
  Shape before(size_t layer) const { return layer == 0 ? network_.input : shapes_[layer - 1]; }

  template <typename S, typename... Args>
  void add(Args&&... args) {
    stages_.push_back({std::make_unique<S>(std::forward<Args>(args)...), kNoSkip});
  }

  void take_conv(const Conv& conv, const Shape& in, size_t at) {
    if (conv.kernel == 3 && conv.padding <= 1 && conv.stride == 1 && conv.bias &&
        in.channels < kManyChannels && pool_behind_relu(1)) {
      next_ += 3;
      add<ConvPoolStage>(in, conv, shapes_[at + 2].size(), offset_[at], take_dropout());
      return;
    }
    ++next_;
    Conv everywhere = conv;
    everywhere.stride = 1;
    const Shape out = {conv.filters, in.height + 2 * conv.padding - conv.kernel + 1,
                       in.width + 2 * conv.padding - conv.kernel + 1};
    if (conv.kernel == 3 && conv.padding <= 1) {
      add<Conv3x3Stage>(in, everywhere, out, offset_[at]);
    } else {
      add<ConvStage>(in, everywhere, out, offset_[at]);
    }
    if (conv.stride > 1) add<PickStage>(out, shapes_[at], conv.stride);
  }

  // ReLU `ahead` of the next layer and max-pool 2 behind it.
  bool pool_behind_relu(size_t ahead) const {
    if (follower<Relu>(ahead) == nullptr) return false;
    const MaxPool* pool = follower<MaxPool>(ahead + 1);
    return pool != nullptr && pool->size == 2;
  }

  void take_norm(const Shape& in, size_t at) {
    ++next_;
    const Add* shortcut = take<Add>();
    const size_t add_layer = next_ - 1;
    const bool relu = take<Relu>() != nullptr;
    const MaxPool* pool = follower<MaxPool>(0);
    const bool pooled = pool != nullptr && pool->size == 2 && !wanted_[next_];
    if (pooled) ++next_;
    add<NormStage>(in, shapes_[next_ - 1], offset_[at], relu, pooled);
    if (shortcut != nullptr) stages_.back().skip = made_by_[add_layer - shortcut->back];
  }

  void take_stage() {
    const size_t at = next_;
    const Shape in = before(at);
    const Layer& layer = network_.layers[at];
    if (const auto* conv = std::get_if<Conv>(&layer)) {
      take_conv(*conv, in, at);
    } else if (std::holds_alternative<BatchNorm>(layer)) {
      take_norm(in, at);
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      ++next_;
      const bool relu = take<Relu>() != nullptr;
      add<DenseStage>(in.size(), *dense, offset_[at], relu, take_dropout());
    } else if (const auto* pool = std::get_if<MaxPool>(&layer)) {
      ++next_;
      add<MaxPoolStage>(in, shapes_[at], pool->size);
    } else if (std::holds_alternative<GlobalAveragePool>(layer)) {
      ++next_;
      add<PlaneMeanStage>(in);
    } else if (std::holds_alternative<Flatten>(layer)) {
      ++next_;  // a tile is channel-major as it is
    } else if (const auto* shortcut = std::get_if<Add>(&layer)) {
      ++next_;
      const size_t skip = made_by_[at - shortcut->back];
      add<AddStage>(in.size(), take<Relu>() != nullptr);
      stages_.back().skip = skip;
    } else if (std::holds_alternative<L2Normalize>(layer)) {
      ++next_;
      add<UnitLengthStage>(in.size());
    } else if (pool_behind_relu(0)) {
      next_ += 2;
      add<ReluPoolStage>(in, shapes_[at + 1]);
    } else {
      const bool relu = std::holds_alternative<Relu>(layer);
      std::optional<Drop> drop;
      ++next_;
      if (const auto* dropout = std::get_if<Dropout>(&layer)) {
        drop = Drop(at, dropout->rate);
      } else {
        drop = take_dropout();
      }
      add<ActivationStage>(in.size(), relu, drop);
    }
  }

  const Network& network_;
  std::vector<Shape> shapes_;
  std::vector<size_t> offset_;   // of a layer's parameters
  std::vector<bool> wanted_;     // by a shortcut: the value before layer i
  std::vector<size_t> made_by_;  // the stage that makes the value before layer i
  std::vector<PlannedStage> stages_;
  size_t next_ = 0;  // layer
};

}  // namespace

std::vector<PlannedStage> plan_stages(const Network& network) { return Planner(network).plan(); }

}  // namespace doppel
