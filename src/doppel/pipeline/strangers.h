// Figures are about people whom the model does not know; whom it knows is refused, or the figure is
// marked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "doppel/eval/seen.h"
#include "doppel/model/model.h"

namespace doppel::internal {

// What of the data set the model has seen. Throws Error(seen_people) that says whom it knows, and
// by what, and that `option` ("--allow-seen") measures them all the same, unless `allowed`.
SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed,
                            std::string_view option);
// For work on strangers alone: pictures that it has seen are refused in any case; `allowed` are
// people whose names alone it knows.
SeenOverlap check_namesakes(const Model& model, const Dataset& people, bool allowed,
                            std::string_view option);

// That copies of some pictures that the model has seen go unnoticed, for it was made by an older
// version; nothing where they do not.
std::optional<std::string> unhashed_note(const Model& model);

// The sentence that marks a result, empty where nothing was seen.
std::string mark_text(const SeenOverlap& seen);

}  // namespace doppel::internal
