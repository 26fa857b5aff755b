#include "doppel/nn/layers/add.h"

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

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

}  // namespace

Shape Add::output_shape(const LayerPlace& place) const {
  const Shape& in = place.input();
  if (back < 1 || back > place.index()) {
    place.refuse("add reaches " + std::to_string(back) + " layers back, where there are " +
                 std::to_string(place.index()));
  }
  const Shape& other = place.given[place.index() - back];
  if (other != in) {
    place.refuse("add needs two values of one shape, not " + to_string(in) + " and " +
                 to_string(other));
  }
  return in;
}

std::vector<LayerTensor> Add::tensors(const Shape&) const { return {}; }

void Add::write(nlohmann::json& settings) const { settings["back"] = back; }

Add Add::read(const JsonObject& settings) {
  return {settings.whole_number("back", 0, kMostValues)};
}

void Add::plan(Planner& planner) const {
  const size_t begin = planner.index() - back;
  const bool relu = planner.take<Relu>() != nullptr;
  planner.add_with_shortcut(std::make_unique<AddStage>(planner.input().size(), relu), begin);
}

}  // namespace doppel::internal
