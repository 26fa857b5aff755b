#include "doppel/nn/layers/dropout.h"

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/base/json_object.h"
#include "doppel/nn/activation_stage.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {

Shape Dropout::output_shape(const LayerPlace& place) const {
  if (!(rate >= 0 && rate < 1)) {
    place.refuse("a dropout rate lies in [0, 1), not " + std::to_string(rate));
  }
  return place.input();
}

std::vector<LayerTensor> Dropout::tensors(const Shape&) const { return {}; }

void Dropout::write(nlohmann::json& settings) const { settings["rate"] = rate; }

Dropout Dropout::read(const JsonObject& settings) { return {settings.number("rate")}; }

void Dropout::plan(Planner& planner) const {
  planner.add(activation_stage(planner.input().size(), false, Drop(planner.index(), rate)));
}

std::optional<Drop> take_dropout(Planner& planner) {
  const size_t layer = planner.taken();
  const Dropout* dropout = planner.take<Dropout>();
  if (dropout == nullptr) return {};
  return Drop(layer, dropout->rate);
}

}  // namespace doppel::internal
