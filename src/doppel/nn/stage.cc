#include "doppel/nn/stage.h"

#include <optional>
#include <utility>

#include "doppel/nn/conv_stages.h"
#include "doppel/nn/dense_stage.h"
#include "doppel/nn/drop.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/norm_stages.h"

namespace doppel::internal {
namespace {

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

  void add(std::unique_ptr<Stage> stage) { stages_.push_back({std::move(stage), kNoSkip}); }

  void take_conv(const Conv& conv, const Shape& in, size_t at) {
    if (conv.kernel == 3 && conv.padding <= 1 && conv.stride == 1 && conv.bias &&
        in.channels < kManyChannels && pool_behind_relu(1)) {
      next_ += 3;
      add(conv_pool_stage(in, conv, shapes_[at + 2].size(), offset_[at], take_dropout()));
      return;
    }
    ++next_;
    const Shape out = {conv.filters, in.height + 2 * conv.padding - conv.kernel + 1,
                       in.width + 2 * conv.padding - conv.kernel + 1};
    add(conv_stage(in, conv, out, offset_[at]));
    if (conv.stride > 1) add(pick_stage(out, shapes_[at], conv.stride));
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
    add(norm_stage(in, shapes_[next_ - 1], offset_[at], relu, pooled));
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
      add(dense_stage(in.size(), *dense, offset_[at], relu, take_dropout()));
    } else if (const auto* pool = std::get_if<MaxPool>(&layer)) {
      ++next_;
      add(std::make_unique<MaxPoolStage>(in, shapes_[at], pool->size));
    } else if (std::holds_alternative<GlobalAveragePool>(layer)) {
      ++next_;
      add(std::make_unique<PlaneMeanStage>(in));
    } else if (std::holds_alternative<Flatten>(layer)) {
      ++next_;  // a tile is channel-major as it is
    } else if (const auto* shortcut = std::get_if<Add>(&layer)) {
      ++next_;
      const size_t skip = made_by_[at - shortcut->back];
      add(std::make_unique<AddStage>(in.size(), take<Relu>() != nullptr));
      stages_.back().skip = skip;
    } else if (std::holds_alternative<L2Normalize>(layer)) {
      ++next_;
      add(std::make_unique<UnitLengthStage>(in.size()));
    } else if (pool_behind_relu(0)) {
      next_ += 2;
      add(relu_pool_stage(in, shapes_[at + 1]));
    } else {
      const bool relu = std::holds_alternative<Relu>(layer);
      std::optional<Drop> drop;
      ++next_;
      if (const auto* dropout = std::get_if<Dropout>(&layer)) {
        drop = Drop(at, dropout->rate);
      } else {
        drop = take_dropout();
      }
      add(std::make_unique<ActivationStage>(in.size(), relu, drop));
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

}  // namespace doppel::internal
