// Figures are about people the model does not know; who it knows is refused, or the figure marked.
#pragma once

#include "doppel/eval/seen.h"
#include "doppel/model/model.h"

namespace doppel::internal::app {

// What of the data set the model has seen. Throws Error(mismatch) that says whom it knows, and by
// what, unless `allowed`. Notes on standard error where the model cannot tell copies of its photos.
SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed);
// For work on strangers alone: pictures that it has seen are refused in any case; `allowed` are
// people whose names alone it knows.
SeenOverlap check_namesakes(const Model& model, const Dataset& people, bool allowed);

// The line of text that marks a result, empty where nothing was seen.
std::string mark_text(const SeenOverlap& seen);

}  // namespace doppel::internal::app
