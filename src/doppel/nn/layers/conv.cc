#include "doppel/nn/layers/conv.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "doppel/base/json_object.h"
#include "doppel/nn/activation_stage.h"
#include "doppel/nn/conv3x3.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

constexpr size_t kLaneBytes = kLanes * sizeof(float);

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
        shape_{in.channels,  in.height + 2 * pad_, in.width + 2 * pad_,
               conv.filters, conv.kernel,          conv.stride} {}

  size_t scratch_floats() const override {
    return framed_floats(in_, pad_) + framed_floats(out_, shape_.kernel - 1);
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
    for (size_t t = 0; t < pass.tiles; ++t) {
      const float* g = dy + t * out_size() * kLanes;
      float* sums = partial + t * partial_floats();
      conv_weight_gradient(shape_, framed(values.x + t * in_size() * kLanes, pass.scratch), g, sums,
                           biases() > 0 ? sums + weights() : nullptr);
      if (dx == nullptr) continue;
      add_frame(g, out_, shape_.kernel - 1, framed_gradient);
      float* out = dx + t * in_size() * kLanes;
      conv_input_gradient(shape_, framed_gradient, weight(pass), pad_ == 0 ? out : pass.scratch);
      if (pad_ > 0) remove_frame(pass.scratch, in_, pad_, out);
    }
  }

 private:
  const float* framed(const float* x, float* scratch) const {
    if (pad_ == 0) return x;
    add_frame(x, in_, pad_, scratch);
    return scratch;
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

// Below so many channels fusing with the pool beats the kernels of conv3x3.h.
constexpr size_t kManyChannels = 8;

}  // namespace

Shape Conv::output_shape(const LayerPlace& place) const {
  const Shape& in = place.input();
  if (filters < 1 || kernel < 1) place.refuse("conv needs filters and kernel");
  if (filters > kMostValues) place.refuse("too many filters");
  if (kernel > 31) place.refuse("conv kernels above 31 are not supported");
  if (stride < 1 || stride > 31) place.refuse("a conv stride lies in 1 .. 31");
  if (padding >= kernel) {
    place.refuse("a conv padding must be smaller than its kernel of " + std::to_string(kernel));
  }
  const size_t height = in.height + 2 * padding, width = in.width + 2 * padding;
  if (kernel > height || kernel > width) {
    place.refuse("a conv kernel of " + std::to_string(kernel) + " does not fit its input of " +
                 to_string(in));
  }
  return {filters, (height - kernel) / stride + 1, (width - kernel) / stride + 1};
}

std::vector<LayerTensor> Conv::tensors(const Shape& input) const {
  std::vector<LayerTensor> tensors = {
      {"weight", {filters, input.channels, kernel, kernel}, TensorKind::weight}};
  if (bias) tensors.push_back({"bias", {filters}, TensorKind::bias});
  return tensors;
}

void Conv::write(nlohmann::json& settings) const {
  settings["filters"] = filters;
  settings["kernel"] = kernel;
  settings["padding"] = padding;
  settings["stride"] = stride;
  settings["bias"] = bias;
}

Conv Conv::read(const JsonObject& settings) {
  Conv conv;
  conv.filters = settings.whole_number("filters", 0, kMostValues);
  conv.kernel = settings.whole_number("kernel", 0, kMostValues);
  if (settings.has("padding") && settings.at("padding") == "same" && conv.kernel % 2 == 1) {
    conv.padding = conv.kernel / 2;
  } else if (settings.has("padding") && settings.at("padding").is_number()) {
    conv.padding = settings.whole_number("padding", 0, kMostValues);
  } else if (settings.has("padding") && settings.at("padding") != "valid") {
    settings.refuse("padding", "a whole number, \"valid\" or, for an odd kernel, \"same\"");
  }
  settings.read("stride", conv.stride);
  settings.read("bias", conv.bias);
  return conv;
}

void Conv::plan(Planner& planner) const {
  const Shape& in = planner.input();
  const bool small = kernel == 3 && padding <= 1 && stride == 1;
  const MaxPool* pool = planner.peek<MaxPool>(1);
  if (small && bias && in.channels < kManyChannels && planner.peek<Relu>() != nullptr &&
      pool != nullptr && pool->size == 2) {
    planner.take<Relu>();
    planner.take<MaxPool>();
    const size_t size = planner.output().size();
    planner.add(std::make_unique<ConvPoolStage>(in, *this, size, planner.parameters(),
                                                take_dropout(planner)));
  } else if (small) {
    planner.add(std::make_unique<Conv3x3Stage>(in, *this, planner.output(), planner.parameters()));
  } else {
    planner.add(std::make_unique<ConvStage>(in, *this, planner.output(), planner.parameters()));
  }
}

}  // namespace doppel::internal
