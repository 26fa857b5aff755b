// The report: what was measured on groups of people comes in, one HTML page that needs nothing
// beside it goes out, with charts, a map of the embeddings and the pictures of what failed.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/eval/crossval.h"
#include "doppel/eval/evaluation.h"
#include "doppel/eval/seen.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold.h"

namespace doppel::internal {

// What another way of comparing reaches on the same people.
struct ReportedSystem {
  std::string name;  // "nearest pixels"
  UnseenMeasures figures;
};

// People, what a model made of them, and how the model came about. `embeddings` has a row for each
// of people.images; images of `evaluation` are indices of these.
struct ReportGroup {
  std::string name;  // "fold 1"; shown where there are several groups
  Dataset people;
  Matrix embeddings;
  Evaluation evaluation;
  std::optional<Threshold> threshold;  // where evaluation.threshold is the model's own
  std::vector<ReportedSystem> baselines;
  std::vector<EpochLosses> history;
  size_t members = 1;  // networks whose histories follow each other
  SeenOverlap seen;    // people and images the model was trained on: the page then says so
};

// All of it for one model: the figures at its threshold (without one, at that of the equal error
// rate), nearest pixels as the baseline. The result does not depend on the pool's threads. Throws
// as embed_images(), evaluate() and seen_overlap() do.
ReportGroup measure_group(std::string name, const Model& model, Dataset people, ThreadPool& pool);

struct ReportContent {
  std::string title;
  // One, or the test people of each fold: then with mean and spread, and the same baselines in all.
  std::vector<ReportGroup> groups;
  std::vector<std::pair<std::string, std::string>> setting;  // rows of name and value
  nlohmann::json recipe;
};

// The document the page is drawn from: {"title", "version", "setting", "recipe", "groups":
// [{"name", "evaluation": to_json(Evaluation), "figures", "baselines", "images", "pictures", "map",
// ..}]}, and with several groups "mean", "spread", "baselines". Pictures are PNG data URIs: those
// of the hardest pairs and of the persons who fail most, and small ones of all images (of 1000 of
// them where there are more) for the map, which shows two principal components of the embeddings.
// Throws Error(bad_argument) without groups, Error(mismatch) where a group has not one embedding
// for each image or other baselines than the first group.
nlohmann::json report_json(const ReportContent& content);

// The page. Names in the content are shown as text, whatever characters they have.
// Throws like report_json.
std::string report_html(const ReportContent& content);

}  // namespace doppel::internal
