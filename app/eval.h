// What doppel eval measures and whom: a model or embeddings, judged on a data set by pairs of a
// list, by all its people, or as a gallery would decide.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_source.h"
#include "doppel/base/thread_pool.h"
#include "doppel/eval/pair_list.h"
#include "doppel/gallery/open_set.h"
#include "doppel/model/model.h"
#include "doppel/pipeline/strangers.h"
#include "open_set.h"

namespace doppel::internal::app {

struct EvalOptions {
  std::string model;  // with --embeddings the data
  DataSource data;
  std::string embeddings, energy = "euclidean";
  std::string pairs, write_pairs, distances;
  int threads = 0;
  bool allow_seen = false, open_set = false, as_json = false;
  OpenSetPlan plan;
  std::optional<double> fpir;
  std::string searched;
};

// Who is to be judged, on whom.
struct EvalSubject {
  std::string file;            // of the model or of the embeddings
  std::string digest;          // of that file
  std::optional<Model> model;  // none of embeddings
  Dataset people;
  Matrix embeddings;
  Energy energy;
  SeenOverlap seen;
  std::optional<double> threshold;
  // Of --searched; their embeddings stand behind those of `people`.
  std::optional<SearchedPhotos> searched;
};

EvalSubject eval_subject(const EvalOptions& options, const std::optional<PairList>& list,
                         ThreadPool& pool);
// Whom it is about, as every document says; and in text, whether the model knows them.
nlohmann::json to_json(const EvalSubject& subject);
void print_marks(const EvalSubject& subject);
// What --write-pairs and --distances ask for, of the pairs that are scored.
void write_scored_pairs(const EvalOptions& options, const EvalSubject& subject,
                        std::span<const std::vector<Pair>> folds, std::span<const float> distances);

// Each measures and prints.
void evaluate_pairs(const EvalOptions& options, const EvalSubject& subject, const PairList& list,
                    ThreadPool& pool);
void evaluate_people(const EvalOptions& options, const EvalSubject& subject, ThreadPool& pool);
void evaluate_open_set(const EvalOptions& options, const EvalSubject& subject, ThreadPool& pool);

}  // namespace doppel::internal::app
