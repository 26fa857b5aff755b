#include "doppel/nn/layers/relu.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "doppel/base/json_object.h"
#include "doppel/nn/activation_stage.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape Relu::output_shape(const LayerPlace& place) const { return place.input(); }

std::vector<LayerTensor> Relu::tensors(const Shape&) const { return {}; }

void Relu::write(nlohmann::json&) const {}

Relu Relu::read(const JsonObject&) { return {}; }

void Relu::plan(Planner& planner) const {
  const MaxPool* pool = planner.peek<MaxPool>();
  if (pool != nullptr && pool->size == 2) {
    planner.take<MaxPool>();
    planner.add(std::make_unique<ReluPoolStage>(planner.input(), planner.output()));
  } else {
    planner.add(activation_stage(planner.input().size(), true, take_dropout(planner)));
  }
}

}  // namespace doppel::internal
