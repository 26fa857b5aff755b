#include "doppel/nn/layers/relu6.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

constexpr float kMost = 6;

class Relu6Stage : public Stage {
 public:
  explicit Relu6Stage(size_t size) : Stage(size, size) {}

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    clamp(x, pass.tiles * in_size(), kMost, y);
  }
  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx != nullptr) clamp_gradient(values.y, dy, pass.tiles * in_size(), kMost, dx);
  }
};

}  // namespace

Shape Relu6::output_shape(const LayerPlace& place) const { return place.input(); }

std::vector<LayerTensor> Relu6::tensors(const Shape&) const { return {}; }

void Relu6::write(nlohmann::json&) const {}

Relu6 Relu6::read(const JsonObject&) { return {}; }

void Relu6::plan(Planner& planner) const {
  planner.add(std::make_unique<Relu6Stage>(planner.input().size()));
}

}  // namespace doppel::internal
