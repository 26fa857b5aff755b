#include "doppel/nn/layers/global_average_pool.h"

#include <nlohmann/json.hpp>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape GlobalAveragePool::output_shape(const LayerPlace& place) const {
  return {place.input().channels, 1, 1};
}

std::vector<LayerTensor> GlobalAveragePool::tensors(const Shape&) const { return {}; }

void GlobalAveragePool::write(nlohmann::json&) const {}

GlobalAveragePool GlobalAveragePool::read(const JsonObject&) { return {}; }

void GlobalAveragePool::plan(Planner& planner) const {
  planner.add(std::make_unique<PlaneMeanStage>(planner.input()));
}

}  // namespace doppel::internal
