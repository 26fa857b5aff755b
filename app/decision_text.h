// How a gallery decides, in words.
#pragma once

#include <string>

#include "doppel/gallery/decision.h"

namespace doppel::internal::app {

// "About 1 search in 100 by a stranger names somebody, as the gallery's own 45 people show for
// photos like theirs (FPIR 1 %, in nine of ten such galleries 0.4 to 2.3 %)"; where there is no
// rule, why.
std::string decision_text(const DecisionRule& rule);

// The figures behind that, a line: "somebody where the score is below 0.7731: FAR 0.022 % of one
// comparison, 45 people, 45 templates". Empty where there is no rule.
std::string decision_figures(const DecisionRule& rule);

}  // namespace doppel::internal::app
