#include "doppel/nn/layers/dense.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "doppel/base/json_object.h"
#include "doppel/nn/activation_stage.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape Dense::output_shape(const LayerPlace& place) const {
  if (units < 1) place.refuse("dense needs units");
  if (units > kMostValues) place.refuse("too many units");
  place.need_flat("dense");
  return {units, 1, 1};
}

std::vector<LayerTensor> Dense::tensors(const Shape& input) const {
  std::vector<LayerTensor> tensors = {{"weight", {units, input.size()}, TensorKind::weight}};
  if (bias) tensors.push_back({"bias", {units}, TensorKind::bias});
  return tensors;
}

void Dense::write(nlohmann::json& settings) const {
  settings["units"] = units;
  settings["bias"] = bias;
}

Dense Dense::read(const JsonObject& settings) {
  Dense dense;
  dense.units = settings.whole_number("units", 0, kMostValues);
  settings.read("bias", dense.bias);
  return dense;
}

void Dense::plan(Planner& planner) const {
  const bool relu = planner.take<Relu>() != nullptr;
  planner.add(std::make_unique<DenseStage>(planner.input().size(), *this, planner.parameters(),
                                           relu, take_dropout(planner)));
}

}  // namespace doppel::internal
