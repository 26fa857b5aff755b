// What a gallery answers to its own people and to strangers: people with several photos come in;
// some are drawn and enrolled, everybody's other photos are searched, and how often the gallery is
// wrong goes out. The gallery is the one that doppel identify searches, with its own line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/eval/identification.h"
#include "doppel/gallery/decision.h"
#include "doppel/gallery/gallery_settings.h"

namespace doppel::internal {

struct OpenSetPlan {
  Enrolment enrolment;           // photos of each person, drawn at random
  std::optional<size_t> people;  // to enrol; else half of those with so many photos
  size_t draws = 20;
  uint64_t seed = 0;
  // Photos of a visit: each person's searches fall into visits of so many, decided once, by the
  // mean of their embeddings. 1: each photo is a search.
  size_t visit = 1;
  // Rows of photos that another camera took, from this one on: they alone are searched for, and
  // none of them is enrolled. Nothing: all photos of one kind, of which some are enrolled and the
  // others are searched for.
  std::optional<size_t> searched_from;
};

// Of one draw.
struct OpenSetDraw {
  DecisionRule rule;
  OpenSetPoint decided;  // by the gallery's rule
  OpenSetPoint best;     // at the score that gives the wanted FPIR on these very strangers
  OpenSetPoint plain;    // the same with plain distances, not normalised
  double rank_1 = 0;     // share of the mated searches whose person comes first
  // Of visits: where each photo decides by itself, and one that is accepted is enough.
  double any_fpir = 0, any_fnir = 0;
};

struct OpenSetTrial {
  OpenSetPlan plan;
  size_t people = 0;                // enrolled in each draw
  size_t mated = 0, strangers = 0;  // searches, in all draws
  std::vector<OpenSetDraw> draws;

  // Over the draws.
  double mean(const std::function<double(const OpenSetDraw&)>& value) const;
  double quantile(const std::function<double(const OpenSetDraw&)>& value, double share) const;
};

// `settings` decide (fpir, distance, threshold, energy), but for the fusion, which the plan has.
// embeddings: a row for each of `identity_of`. Enrolled are the first `people` of a random order
// who have `shots` photos; whoever is not enrolled is a stranger with all photos. Throws
// Error(bad_data) where nobody could be enrolled or a draw would have no searches of one kind,
// Error(bad_argument) where the plan asks for more people than there are with a stranger left.
OpenSetTrial try_open_set(const Matrix& embeddings, std::span<const uint32_t> identity_of,
                          const GallerySettings& settings, const OpenSetPlan& plan,
                          ThreadPool& pool, const std::function<void(size_t draw)>& progress = {});

}  // namespace doppel::internal
