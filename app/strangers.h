// Figures are about people the model does not know; who it knows is refused, or the figure marked.
#pragma once

#include "doppel/eval/seen.h"
#include "doppel/model/model.h"

namespace doppel::app {

// What of the data set the model has seen. Throws Error(mismatch) that names it, unless `allowed`.
SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed);
// For work on strangers alone.
void check_strangers(const Model& model, const Dataset& people);

// {"identities": [..], "images": number}
nlohmann::json seen_json(const SeenOverlap& seen);

}  // namespace doppel::app
