#include "doppel/nn/layers/flatten.h"

#include <nlohmann/json.hpp>

#include "doppel/base/json_object.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {

Shape Flatten::output_shape(const LayerPlace& place) const { return {place.input().size(), 1, 1}; }

std::vector<LayerTensor> Flatten::tensors(const Shape&) const { return {}; }

void Flatten::write(nlohmann::json&) const {}

Flatten Flatten::read(const JsonObject&) { return {}; }

// A tile is channel-major as it is.
void Flatten::plan(Planner&) const {}

}  // namespace doppel::internal
