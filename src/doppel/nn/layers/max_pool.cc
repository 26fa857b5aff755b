#include "doppel/nn/layers/max_pool.h"

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape MaxPool::output_shape(const LayerPlace& place) const {
  const Shape& in = place.input();
  if (size < 1 || size > in.height || size > in.width) {
    place.refuse("a pool of " + std::to_string(size) + " does not fit its input of " +
                 to_string(in));
  }
  return {in.channels, in.height / size, in.width / size};
}

std::vector<LayerTensor> MaxPool::tensors(const Shape&) const { return {}; }

void MaxPool::write(nlohmann::json& settings) const { settings["size"] = size; }

MaxPool MaxPool::read(const JsonObject& settings) {
  return {settings.whole_number("size", 0, kMostValues)};
}

void MaxPool::plan(Planner& planner) const {
  planner.add(std::make_unique<MaxPoolStage>(planner.input(), planner.output(), size));
}

}  // namespace doppel::internal
