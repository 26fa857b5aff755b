#include "doppel/nn/layers/l2_normalize.h"

#include <nlohmann/json.hpp>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape L2Normalize::output_shape(const LayerPlace& place) const {
  place.need_flat("l2_normalize");
  return place.input();
}

std::vector<LayerTensor> L2Normalize::tensors(const Shape&) const { return {}; }

void L2Normalize::write(nlohmann::json&) const {}

L2Normalize L2Normalize::read(const JsonObject&) { return {}; }

void L2Normalize::plan(Planner& planner) const {
  planner.add(std::make_unique<UnitLengthStage>(planner.input().size()));
}

}  // namespace doppel::internal
