// What a search found and by which rule, as JSON: one form for the program and the service.
#pragma once

#include <nlohmann/json.hpp>

#include "doppel/gallery/search.h"

namespace doppel::internal {

// {"known", "name" (null where unknown), "candidates": [{"name", "distance", "score", "far",
// "fpir"}]}.
nlohmann::json to_json(const Answer& answer);

// {"source", "people", "templates", "normalised", "threshold", "far", "fpir"}; without a source the
// threshold is null and "fault" says why; "distance" where the distance counts, too; with an FPIR
// "fpir_ci" and "extrapolated".
nlohmann::json to_json(const DecisionRule& rule);
// What a gallery is set to decide by: {"fpir", "distance", "fusion"}.
nlohmann::json decision_json(const GallerySettings& settings);

}  // namespace doppel::internal
