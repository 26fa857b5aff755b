// What a gallery of the given people would answer, to themselves and to strangers.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/eval/identification.h"
#include "doppel/gallery/search.h"
#include "doppel/model/threshold.h"

namespace doppel::app {

struct OpenSetRow {
  Enrolment enrolment;
  size_t people = 0;                // enrolled
  size_t mated = 0, strangers = 0;  // searches
  DecisionRule rule;     // of a gallery of so many, for the FAR of the threshold as its FPIR
  OpenSetPoint decided;  // by that rule
  OpenSetPoint best;     // at the threshold that gives the wanted FPIR on these strangers
  double rank_1 = 0;     // of the mated searches, whatever the distance
};

// Rows for 1, 2 and 5 photos, as far as anybody has more, by the nearest of them and by their mean.
// Throws as search_open_set() does where there are none of a single photo.
std::vector<OpenSetRow> measure_open_set(std::span<const uint32_t> identity_of,
                                         const ImageDistance& distance, const Threshold& threshold,
                                         ThreadPool& pool);

std::string open_set_table(const std::vector<OpenSetRow>& rows);
nlohmann::json to_json(const std::vector<OpenSetRow>& rows);

}  // namespace doppel::app
